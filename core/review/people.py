"""Who may do what: users, roles and the table of actions.

Without sign-in there is one local user, number 1, with every role. With sign-in a new user starts without any role;
an admin grants them. The first admin is named by the operator: verified e-mail addresses in ``OVERREAD_ADMINS``
(comma separated) receive the admin role when they sign in. Being first to sign in grants nothing, or the fastest
stranger would own the store.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from sqlmodel import Session, col, func, select

from core.errors import NotAllowedError, NotFoundError
from core.review.database import Database
from core.review.tables import User
from core.review.trail import decide
from core.review.vocabulary import Role, now
from core.settings import mailbox, settings

LOCAL_ISSUER = "local"
LOCAL_NUMBER = 1


class Action(StrEnum):
    """What a page or the store may be asked to do."""

    VIEW = "look at archives and cases"
    IMPORT = "import archives"
    SCORE = "score archives"
    READ = "record opinions"
    PEER_REVIEW = "score recorded diagnoses"
    ARBITRATE = "arbitrate"
    SUMMARISE = "see summaries of peer review"
    UNBLIND = "see the models' answers without reading blind"
    LEARN = "take part in teaching"
    TEACH = "make quizzes and see their results"
    REPORT = "make reports"
    EXPORT = "export data"
    OVERRULE = "overrule the wrong-image gate"
    MANAGE_USERS = "manage users"
    AUDIT = "read the audit trail"


_WORKERS = frozenset({Role.REVIEWER, Role.ARBITER, Role.LEAD})
ALLOWED: dict[Action, frozenset[Role]] = {
    Action.VIEW: _WORKERS,
    Action.IMPORT: frozenset({Role.LEAD}),
    Action.SCORE: frozenset({Role.LEAD}),
    Action.READ: frozenset({Role.REVIEWER}),
    Action.PEER_REVIEW: frozenset({Role.REVIEWER}),
    Action.ARBITRATE: frozenset({Role.ARBITER}),
    Action.SUMMARISE: frozenset({Role.LEAD}),
    Action.UNBLIND: frozenset({Role.LEAD}),
    Action.LEARN: frozenset({Role.STUDENT, Role.TEACHER}) | _WORKERS,
    Action.TEACH: frozenset({Role.TEACHER}),
    Action.REPORT: _WORKERS,
    Action.EXPORT: frozenset({Role.LEAD, Role.ADMIN}),
    Action.OVERRULE: frozenset({Role.TEACHER}) | _WORKERS,
    Action.MANAGE_USERS: frozenset({Role.ADMIN}),
    Action.AUDIT: frozenset({Role.LEAD, Role.ADMIN}),
}


def allowed(user: User, action: Action) -> bool:
    """Whether one of an active user's roles includes the action."""
    return user.active and any(role in ALLOWED[action] for role in user.roles)


def require(user: User, action: Action) -> None:
    """Raise ``NotAllowedError`` unless ``allowed``."""
    if not allowed(user, action):
        roles = " or ".join(sorted(ALLOWED[action]))
        raise NotAllowedError(f"To {action} takes the role {roles}.", "Ask an admin for it.")


def acting(session: Session, number: int, action: Action | None = None) -> User:
    """The user of a number, who must be allowed to do ``action``."""
    user = session.get(User, number)
    if user is None:
        raise NotFoundError(f"There is no user {number}.")
    if action is not None:
        require(user, action)
    return user


def _roles(roles: Iterable[Role]) -> list[str]:
    return sorted({Role(role).value for role in roles})


class People(Database):
    """Users and their roles."""

    def local_user(self) -> User:
        """The single user of a store without sign-in: number 1, all roles."""
        with self.reading() as session:
            found = session.get(User, LOCAL_NUMBER)
        if found is not None and found.issuer == LOCAL_ISSUER:
            return found
        with self.writing() as session:
            return self._make_local(session)

    def _make_local(self, session: Session) -> User:
        found = session.get(User, LOCAL_NUMBER)
        if found is None:
            # Flushed without a number so that PostgreSQL's sequence moves on with it.
            found = User(issuer=LOCAL_ISSUER, subject=LOCAL_ISSUER, name="Local user", roles=_roles(Role))
            session.add(found)
            session.flush()
            decide(session, LOCAL_NUMBER, "user.added", f"user:{found.number}", found, issuer=LOCAL_ISSUER)
        return found

    def sign_in(self, issuer: str, subject: str, name: str, email: str | None, email_verified: bool) -> User:
        """The user an identity provider vouches for; made on the first visit, without any role.

        Args:
            issuer: the provider's ``iss``; never ``"local"``.
            subject: the provider's ``sub``.
            name: name to show to colleagues.
            email: e-mail address, if the provider gave one.
            email_verified: whether the provider vouches for the address; others are no ground for a role.

        Raises:
            NotAllowedError: the issuer is empty or the local one, or the user was deactivated.
        """
        if not issuer or not subject or issuer == LOCAL_ISSUER:
            raise NotAllowedError("The identity provider did not say who signs in.", "Check its configuration.")
        with self.writing() as session:
            self._make_local(session)
            user = session.exec(select(User).where(User.issuer == issuer, User.subject == subject)).first()
            if user is None:
                user = User(issuer=issuer, subject=subject, name=name, email=email)
                session.add(user)
                session.flush()
                decide(session, user.number or 0, "user.added", f"user:{user.number}", user, issuer=issuer)
            if not user.active:
                raise NotAllowedError("This account was deactivated.", "Ask an admin.")
            if email and email_verified and mailbox(email) in settings().admins and Role.ADMIN not in user.roles:
                user.roles = _roles([*map(Role, user.roles), Role.ADMIN])
                granted = {"roles": user.roles, "why": "named in OVERREAD_ADMINS"}
                decide(session, user.number or 0, "user.roles", f"user:{user.number}", user, **granted)
            user.name, user.email, user.last_seen = name, email, now()
            return user

    def user(self, number: int) -> User:
        """The user of a number. Raises ``NotFoundError``."""
        with self.reading() as session:
            return acting(session, number)

    def users(self) -> list[User]:
        """All users, by number."""
        with self.reading() as session:
            return list(session.exec(select(User).order_by(col(User.number))))

    def set_roles(self, actor: int, number: int, roles: Iterable[Role]) -> User:
        """Give a user exactly these roles.

        Raises:
            NotAllowedError: the actor is no admin, or the last active admin would be gone.
        """
        with self.writing() as session:
            acting(session, actor, Action.MANAGE_USERS)
            user = acting(session, number)
            admins = self._real_admins(session)
            before, user.roles = user.roles, _roles(roles)
            self._keep_an_admin(session, admins)
            decide(session, actor, "user.roles", f"user:{number}", user, before=before, roles=user.roles)
            return user

    def set_active(self, actor: int, number: int, active: bool) -> User:
        """Let a user in, or keep them out; their opinions stay. Raises ``NotAllowedError`` as ``set_roles`` does."""
        with self.writing() as session:
            acting(session, actor, Action.MANAGE_USERS)
            user = acting(session, number)
            admins = self._real_admins(session)
            user.active = active
            self._keep_an_admin(session, admins)
            decide(session, actor, "user.active", f"user:{number}", user, active=active)
            return user

    @staticmethod
    def _real_admins(session: Session) -> int:
        """Active admins who sign in: the local user, whom nobody is while sign-in is configured, is none."""
        people = session.exec(select(User).where(col(User.active), User.issuer != LOCAL_ISSUER))
        return sum(Role.ADMIN in user.roles for user in people)

    @staticmethod
    def _keep_an_admin(session: Session, before: int) -> None:
        session.flush()
        if before and not People._real_admins(session):
            raise NotAllowedError("The last admin who signs in must stay one.", "Make another user admin first.")
        if not any(Role.ADMIN in u.roles for u in session.exec(select(User).where(col(User.active)))):
            raise NotAllowedError("Somebody must stay admin.", "Make another user admin first.")

    @staticmethod
    def _signed_in_users(session: Session) -> int:
        """Active users beside the local one."""
        query = select(func.count()).select_from(User).where(col(User.active), User.issuer != LOCAL_ISSUER)
        return session.exec(query).one()
