"""How often is the encoding of a file guessed right, when nothing in it says which it is?

    python perf/encoding_guesses.py                       # made sentences in sixteen languages
    python perf/encoding_guesses.py --data ../shared/data/instructions/alpaca_17k.json

Samples of some lines are encoded and guessed. A guess is right if it gives the same text, whatever
the encoding is called. Samples with too little evidence, for which no guess is made, are left out.
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Callable, Iterable
from pathlib import Path

from tunewise.curate.formats.text_encoding import UTF_8, encoding_of

SENTENCES = {
    "German": "Für die Größe der Tür müssen wir süße Äpfel zählen; über Öl weiß keiner Bescheid.",
    "French": "L'été dernier, nous avons mangé des crêpes à la crème près du château de Françoise.",
    "Spanish": "¿Cuántos años tiene el niño? Mañana será un día más cálido, señor Muñoz.",
    "English": "It’s a “quoted” text — with an ellipsis… and a café, £5 or 10 €.",
    "Polish": "Zażółć gęślą jaźń; proszę się śpieszyć, bo może padać śnieg w Łodzi.",
    "Czech": "Příliš žluťoučký kůň úpěl ďábelské ódy a řekl, že příští týden přijde.",
    "Russian": "Сколько стоит доставка в Москву, и когда я получу свой заказ?",
    "Ukrainian": "Чи можу я повернути товар, якщо він мені не підійшов? Дякую за відповідь.",
    "Greek": "Πόσο κοστίζει η αποστολή στην Αθήνα και πότε θα λάβω την παραγγελία μου;",
    "Hebrew": "כמה עולה המשלוח לירושלים ומתי אקבל את ההזמנה שלי?",
    "Arabic": "كم تكلفة الشحن إلى القاهرة ومتى سأستلم طلبي؟",
    "Japanese": "配送料はいくらですか？ 注文した商品は いつ届きますか。 再設定してください。",
    "Chinese": "请问运费是多少？ 我的订单什么时候能到？ 忘记密码请点击这里。 我想联系客服退货。",
    "Taiwanese": "請問運費是多少？ 我的訂單什麼時候能到？ 忘記密碼請點擊這裡。 我想聯繫客服退貨。",
    "Korean": "배송비는 얼마인가요? 제 주문은 언제 도착하나요? 비밀번호를 다시 설정하세요.",
    "Thai": "ค่าจัดส่งเท่าไหร่ และฉันจะได้รับสินค้าเมื่อไหร่ ฉันลืมรหัสผ่าน",
}
ENCODINGS = [
    ("German", "cp1252"), ("German", "latin-1"), ("French", "cp1252"), ("Spanish", "latin-1"),
    ("English", "cp1252"), ("Polish", "cp1250"), ("Czech", "cp1250"), ("Russian", "cp1251"),
    ("Russian", "koi8-r"), ("Ukrainian", "cp1251"), ("Greek", "cp1253"), ("Hebrew", "cp1255"),
    ("Arabic", "cp1256"), ("Japanese", "shift_jis"), ("Japanese", "euc_jp"), ("Chinese", "gbk"),
    ("Chinese", "gb18030"), ("Taiwanese", "big5"), ("Korean", "euc_kr"), ("Thai", "cp874"),
]  # fmt: skip
NOT_GUESSED = [
    ("Turkish", "cp1254"), ("Polish", "iso8859-2"), ("Czech", "iso8859-2"),
    ("Russian", "iso8859-5"), ("Russian", "cp866"), ("German", "mac_roman"), ("German", "cp850"),
]  # fmt: skip
TURKISH = "Siparişim ne zaman gelecek? Müşteri hizmetlerine ulaşamıyorum, çok üzgünüm ığ."


def lines_of(sentence: str, chance: random.Random) -> list[str]:
    """Make rows of some words of a sentence in some order, as JSON."""
    words = sentence.split()
    count = chance.choice((3, 4, 6, 10, 20))
    texts = (chance.sample(words, chance.randint(1, len(words))) for _ in range(count))
    return [json.dumps({"text": " ".join(text)}, ensure_ascii=False) for text in texts]


def guesses(
    make: Callable[[], Iterable[str]], encoding: str, times: int
) -> tuple[int, int, list[str]]:
    """Return how many samples were guessed right, how many guessed, and the wrong guesses."""
    right, guessed, wrong = 0, 0, []
    for _ in range(times):
        lines = [line.encode(encoding) for line in make()]
        content = b"\n".join(lines)
        found = encoding_of(content, lines, json=True).name
        if found == UTF_8:
            continue
        guessed += 1
        if content.decode(found, "replace") == content.decode(encoding):
            right += 1
        else:
            wrong.append(found)
    return right, guessed, wrong


def report(name: str, encoding: str, outcome: tuple[int, int, list[str]]) -> None:
    """Print one line of the table."""
    right, guessed, wrong = outcome
    share = f"{right / guessed:6.1%}" if guessed else "    - "
    print(f"{name:<12} {encoding:<10} {share} of {guessed:4}  {', '.join(sorted(set(wrong)))}")


def main() -> None:
    """Print how often each encoding was guessed right."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--times", type=int, default=200, help="samples for each line")
    parser.add_argument("--data", type=Path, help="a JSON list whose rows are to be samples too")
    arguments = parser.parse_args()
    chance = random.Random(0)
    sentences = SENTENCES | {"Turkish": TURKISH}
    right = guessed = 0
    for name, encoding in ENCODINGS:
        outcome = guesses(lambda n=name: lines_of(sentences[n], chance), encoding, arguments.times)
        report(name, encoding, outcome)
        right, guessed = right + outcome[0], guessed + outcome[1]
    print(f"all of these {right / guessed:.2%} of {guessed:,}\n\nknown misses:")
    for name, encoding in NOT_GUESSED:
        outcome = guesses(lambda n=name: lines_of(sentences[n], chance), encoding, arguments.times)
        report(name, encoding, outcome)
    if arguments.data:
        rows = [
            json.dumps(row, ensure_ascii=False) for row in json.loads(arguments.data.read_text())
        ]
        foreign = [row for row in rows if not row.isascii() and _fits(row, "cp1252")]
        print(f"\n{arguments.data.name}, rows with other characters than ASCII")
        for count in (5, 10, 20, 50, 200):
            outcome = guesses(lambda n=count: chance.sample(foreign, n), "cp1252", arguments.times)
            report(f"{count} rows", "cp1252", outcome)


def _fits(text: str, encoding: str) -> bool:
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True


if __name__ == "__main__":
    main()
