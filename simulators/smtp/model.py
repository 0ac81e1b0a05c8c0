"""Mails that were accepted, and how the server treats its clients."""

from dataclasses import dataclass, field
from email import message_from_bytes, policy

from simulators.kit.controls import Instruction

USER, PASSWORD = "mend", "simulated"


class SwitchScript(Instruction):
    """What the server offers and asks for.

    ``login``: without one it takes no mail. ``refused``: recipients it does not take.
    """

    starttls: bool = False
    login: bool = False
    refused: tuple[str, ...] = ()


@dataclass(slots=True)
class Mail:
    """One accepted mail."""

    sender: str
    recipients: list[str]
    data: bytes
    encrypted: bool
    user: str | None

    def as_json(self) -> dict[str, object]:
        """Return its parts as a person would see them."""
        mail = message_from_bytes(self.data, policy=policy.default)
        plain, html = mail.get_body(("plain",)), mail.get_body(("html",))
        return {
            "from": self.sender,
            "to": self.recipients,
            "encrypted": self.encrypted,
            "user": self.user,
            "headers": {name: str(value) for name, value in mail.items()},
            "text": plain.get_content() if plain else "",
            "html": html.get_content() if html else "",
        }


@dataclass(slots=True)
class PostOffice:
    """All mails, oldest first."""

    token: str = PASSWORD
    mails: list[Mail] = field(default_factory=list)
    switches: SwitchScript = field(default_factory=SwitchScript)
    port: int = 0

    def clear(self) -> None:
        """Be empty, and take everything from everybody."""
        self.mails.clear()
        self.switches = SwitchScript()
