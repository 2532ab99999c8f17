"""`tunewise completion`: the shell's completion script."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class


@click.command(
    name="completion",
    epilog="""\b
Examples:
  eval "$(tunewise completion bash)"
  tunewise completion zsh > ~/.zfunc/_tunewise
  tunewise completion fish > ~/.config/fish/completions/tunewise.fish
""",
)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print the completion script for SHELL; see the examples for where it goes."""
    maker = get_completion_class(shell)
    if maker is None:
        raise click.UsageError(f"no completion for {shell}")
    root = ctx.find_root().command
    click.echo(maker(root, {}, "tunewise", "_TUNEWISE_COMPLETE").source())
