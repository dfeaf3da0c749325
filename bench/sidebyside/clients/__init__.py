"""The clients that are compared."""

from .awscli import AwsCli
from .base import Client
from .holdall import Holdall
from .rclone import Rclone
from .s5cmd import S5cmd
from .scripts import Boto3, Obstore

ALL: tuple[type[Client], ...] = (Holdall, S5cmd, Obstore, Rclone, Boto3, AwsCli)

__all__ = ["ALL", "AwsCli", "Boto3", "Client", "Holdall", "Obstore", "Rclone", "S5cmd"]
