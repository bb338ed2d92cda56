"""`berth bulk` and `berth audit`: options, progress and summaries."""

from ..options import Commands
from . import audit, command

COMMANDS: Commands = (*command.COMMANDS, *audit.COMMANDS)
COMMAND_CLASS = command.RayCommand
