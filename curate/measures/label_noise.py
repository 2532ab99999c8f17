"""Labels that the texts of all other rows speak against.

A plain classifier (TF-IDF of words and pairs of words, logistic regression by stochastic gradient
descent, one label against the rest) is trained on four fifths of the rows and judges the last
fifth, five times over, so that no row is judged by a model that has seen it. From the probabilities
cleanlab (Northcutt, Jiang and Chuang 2021, "Confident learning: estimating uncertainty in dataset
labels") tells how good each label is and which rows fall among the noise of their label.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_FOLDS = 5
_SEED = 0
_MOST_FEATURES = 100_000
_MOST_WEIGHTS = 20_000_000


@dataclass(frozen=True, slots=True)
class LabelNoise:
    """What was found about each label; arrays by row.

    Attributes:
        noisy: whether cleanlab counts the row among the noise of its label.
        quality: cleanlab's label quality score, the probability of the given label.
        suggested: position of the most probable label.
        probability: its probability.
        accuracy: share of the rows whose given label is the most probable one.
    """

    noisy: NDArray[np.bool_]
    quality: NDArray[np.float64]
    suggested: NDArray[np.int64]
    probability: NDArray[np.float64]
    accuracy: float


def measure_label_noise(texts: Sequence[str], labels: NDArray[np.int64]) -> LabelNoise:
    """Judge every label by the other rows.

    Args:
        texts: what is labelled.
        labels: 0, 1, … up to the number of labels; each at least five times.
    """
    from cleanlab.filter import find_label_issues
    from cleanlab.rank import get_label_quality_scores

    probabilities = _out_of_fold(texts, labels)
    suggested = probabilities.argmax(axis=1)
    return LabelNoise(
        noisy=find_label_issues(labels, probabilities, filter_by="prune_by_class", n_jobs=1),
        quality=get_label_quality_scores(labels, probabilities, method="self_confidence"),
        suggested=suggested,
        probability=probabilities.max(axis=1),
        accuracy=float((suggested == labels).mean()),
    )


def _out_of_fold(texts: Sequence[str], labels: NDArray[np.int64]) -> NDArray[np.float64]:
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import SGDClassifier
    from sklearn.model_selection import StratifiedKFold

    features = TfidfVectorizer(
        sublinear_tf=True,
        ngram_range=(1, 2),
        token_pattern=r"\w+",
        max_features=min(_MOST_FEATURES, _MOST_WEIGHTS // (int(labels.max()) + 1)),
        dtype=np.float64,
    ).fit_transform(texts)
    probabilities = np.zeros((len(labels), int(labels.max()) + 1))
    folds = StratifiedKFold(_FOLDS, shuffle=True, random_state=_SEED)
    for known, judged in folds.split(features, labels):
        # Ten passes with averaged weights; a stopping rule (`tol`) would end before they settle.
        model = SGDClassifier(
            loss="log_loss", alpha=1e-5, max_iter=10, average=True, random_state=_SEED
        ).set_params(tol=None)
        model.fit(features[known], labels[known])
        probabilities[judged] = model.predict_proba(features[judged])
    return probabilities
