"""All sections of `tunewise.toml`, put together from the rooms that own them."""

from __future__ import annotations

from ..curate.settings import AuditSettings, CleanSettings, DataSettings, SplitSettings
from ..evaluate.settings import EvaluateSettings, ReportSettings
from ..train.recipe import Recipe
from ..workspace.app_settings import AppSettings
from ..workspace.config import Section


class Settings(Section):
    """The settings of every command; a section's name is its table's name."""

    data: DataSettings = DataSettings()
    audit: AuditSettings = AuditSettings()
    clean: CleanSettings = CleanSettings()
    split: SplitSettings = SplitSettings()
    train: Recipe = Recipe()
    evaluate: EvaluateSettings = EvaluateSettings()
    report: ReportSettings = ReportSettings()
    app: AppSettings = AppSettings()
