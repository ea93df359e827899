"""The ways in which starting or keeping the system can fail, each with a message for the operator."""

from typing import Final

from config.settings import BadSettings
from salesos.data_folder import FolderRefused
from salesos.embedded.engine import EngineFailed
from salesos.ports import PortsBusy
from salesos.supervisor import ChildFailed
from salesos.system import NotReady

FAULTS: Final = (BadSettings, ChildFailed, EngineFailed, FolderRefused, NotReady, PortsBusy)
