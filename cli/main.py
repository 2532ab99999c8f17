"""The `tunewise` command: finds the subcommand's module only when it is called."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module

import click

from ..workspace.errors import ExitCode

# name -> (module, attribute, what it does); kept here so that `--help` imports no command.
COMMANDS: dict[str, tuple[str, str, str]] = {
    "demo": ("demo", "demo", "The whole loop, offline, on the bundled sample."),
    "audit": ("audit", "audit", "Read a dataset, check it, grade it."),
    "findings": ("findings", "findings", "List an audit's findings with their evidence."),
    "card": ("card", "card", "Write a data card from an audit, or a model card from a run."),
    "clean": ("clean", "clean", "Accept fixes, with preview and undo; write the clean rows."),
    "split": ("split", "split", "Write train, val and test without leaks, with a certificate."),
    "train": ("train", "train", "Tune a model on a split with LoRA."),
    "checkpoint": ("checkpoint", "checkpoint", "Have the trainings in progress write one now."),
    "evaluate": ("evaluate", "evaluate", "Measure base against tuned: domain and general."),
    "merge": ("merge", "merge", "Merge a run's adapter into its base; check; GGUF on request."),
    "chat": ("chat", "chat", "Talk to base and tuned model side by side."),
    "report": ("report", "report", "Write the forgetting report; gate a release on it."),
    "review": ("review", "review", "Compare answers of base and tuned blind; count them."),
    "run": ("run", "run", "All steps from tunewise.toml; skips what is done."),
    "open": ("open", "open_app", "Open the terminal app at a place."),
    "tour": ("tour", "tour", "Two minutes through the app, on the bundled sample."),
    "serve": ("serve", "serve", "Show the app in a browser, for whoever has the token."),
    "checks": ("checks", "checks", "List every check with its severity and fix."),
    "selftest": ("selftest", "selftest", "Plant defects into your data; measure what is found."),
    "doctor": ("doctor", "doctor", "Look at the environment and say what is wrong with it."),
    "config": ("config", "config", "Show the effective settings and where they come from."),
    "completion": ("completion", "completion", "Print the shell's completion script."),
}

EXAMPLES = """\b
Examples:
  tunewise demo                          see the whole loop in a few minutes
  tunewise audit data.jsonl              what is wrong with the data
  tunewise clean data.jsonl --accept duplicates/exact --preview
  tunewise split latest --ratios 80/10/10
  tunewise run                           everything, from tunewise.toml
"""


class LazyGroup(click.Group):
    """A group that imports a subcommand's module when it is used, not for `--help`."""

    def invoke(self, ctx: click.Context) -> object:
        """Run a command; Ctrl-C while its module is still being imported ends with 130, too."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            click.echo("error: interrupted", err=True)
            ctx.exit(ExitCode.INTERRUPTED)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the commands in the order of the loop."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return one command; None for an unknown name."""
        if cmd_name not in COMMANDS:
            return None
        module, attribute, _ = COMMANDS[cmd_name]
        return getattr(import_module(f".{module}", __package__), attribute)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands from the table above."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry[2]) for name, entry in COMMANDS.items()])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Name the nearest command when one is mistyped."""
        name = args[0] if args else ""
        if name and name not in COMMANDS and not name.startswith("-"):
            from ..workspace.nearest import nearest

            ctx.fail(f"No such command {name!r}; {nearest(name, list(COMMANDS))}")
        return super().resolve_command(ctx, args)


@click.group(
    cls=LazyGroup,
    invoke_without_command=True,
    epilog=EXAMPLES,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(package_name="tunewise", prog_name="tunewise")
@click.pass_context
def tunewise(ctx: click.Context) -> None:
    """Find what is wrong with fine-tuning data, and prove what tuning taught and cost.

    Without a command, on a terminal, the app opens.
    """
    if ctx.invoked_subcommand is not None:
        return
    if sys.stdin.isatty() and sys.stdout.isatty():
        ctx.invoke(LazyGroup.get_command(ctx.command, ctx, "open"))  # type: ignore[arg-type]
    else:
        click.echo(ctx.get_help())


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit with the contract's codes."""
    tunewise.main(args=list(arguments) if arguments is not None else None, prog_name="tunewise")
