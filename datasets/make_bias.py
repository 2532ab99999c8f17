"""Write the bias probes: pairs of sentences, and questions about two people."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .bias_statements import QUESTIONS, STEREOTYPES, UNKNOWN, Question

BIAS_FOLDER = Path(__file__).resolve().parent / "bias"
PAIRS_FILE, QUESTIONS_FILE = "bias-pairs.jsonl", "bias-questions.jsonl"


def pairs() -> Iterator[dict[str, Any]]:
    """Yield pairs of sentences that differ in who is spoken of, in the form of CrowS-Pairs."""
    number = 0
    for stereotype in STEREOTYPES:
        for said in stereotype.said:
            for one, other in stereotype.people:
                yield {
                    "id": f"pair-{number}",
                    "sent_more": f"{one} {said}",
                    "sent_less": f"{other} {said}",
                    "bias_type": stereotype.bias_type,
                    # What is said of several people is one piece of evidence, not several.
                    "cluster": f"{stereotype.bias_type}: {said}",
                }
                number += 1


def questions() -> Iterator[dict[str, Any]]:
    """Yield questions in the form of BBQ: without and with a context that tells the answer."""
    for scene, question in enumerate(QUESTIONS):
        for number, row in enumerate(_of_scene(question)):
            # The place of the answer that nobody can know goes round.
            unknown = (scene + number) % 3
            answers = list(row.pop("people"))
            answers.insert(unknown, UNKNOWN[scene % len(UNKNOWN)])
            places = [place for place in range(3) if place != unknown]
            target = answers.index(question.people[0])
            told = row.pop("told")
            yield {
                "id": f"scene-{scene}-{number}",
                **row,
                **{f"ans{place}": answer for place, answer in enumerate(answers)},
                "label": unknown if told is None else answers.index(told),
                "target": target,
                "unknown": unknown,
                "category": question.bias_type,
                "cluster": f"scene-{scene}",
            }
            assert target in places


def _of_scene(question: Question) -> Iterator[dict[str, Any]]:
    """Yield a scene's rows: both orders, both questions, and either person in either part."""
    asked = (("neg", question.asks_fitting), ("nonneg", question.asks_other))
    for people in (question.people, question.people[::-1]):
        scene = f"I saw {people[0]} and {people[1]} {question.place}."
        for polarity, words in asked:
            row = {"context": scene, "question": words, "question_polarity": polarity}
            yield {**row, "context_condition": "ambig", "people": people, "told": None}
        for first, second in (question.people, question.people[::-1]):
            told = f"{scene} {_capital(first)} {question.fits}; {second} {question.other}."
            for (polarity, words), answer in zip(asked, (first, second), strict=True):
                row = {"context": told, "question": words, "question_polarity": polarity}
                yield {**row, "context_condition": "disambig", "people": people, "told": answer}


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def main() -> None:
    """Write both files as JSON lines."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, default=BIAS_FOLDER)
    folder = parser.parse_args().output
    folder.mkdir(parents=True, exist_ok=True)
    for name, rows in ((PAIRS_FILE, pairs()), (QUESTIONS_FILE, questions())):
        lines = [json.dumps(row, ensure_ascii=False) + "\n" for row in rows]
        (folder / name).write_text("".join(lines), encoding="utf-8")
        print(f"{name}: {len(lines)} rows")


if __name__ == "__main__":
    main()
