"""Change the own password within the limits of signing in: a stolen session must not serve to guess the old one."""

from models.database import Database
from services.accounts import own_account
from services.accounts.actors import Actor
from services.accounts.own_account import WrongPassword
from services.entrance.attempts import Attempts


def change(database: Database, actor: Actor, token: str, old: str, new: str, origin: str) -> None:
    """Do what ``own_account.change_password`` does, unless too many passwords of the account were wrong.

    A wrong old password counts as a failed sign-in does, in the same windows. Raises ``TooManyRequests`` without
    looking at the password. It takes as long as Argon2 does and opens its own transactions.
    """
    with database.reading() as session:
        attempts = Attempts.of(session, actor.username, origin)
        attempts.require_room(session)
    try:
        with database.transaction() as session:
            own_account.change_password(session, actor, token, old, new)
    except WrongPassword:
        with database.transaction() as session:
            attempts.note_failure(session)
        raise
    with database.transaction() as session:
        attempts.forget(session)
