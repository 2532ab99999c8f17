"""Asking a model: log-likelihoods and answers, as lm-eval would count them, kept in a cache."""
