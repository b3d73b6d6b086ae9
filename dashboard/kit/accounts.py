"""Whether people sign in here, asked outside a page."""

from __future__ import annotations

from streamlit.auth_util import get_secrets_auth_section


def configured() -> bool:
    """Whether an identity provider is configured (``[auth]`` in ``.streamlit/secrets.toml``)."""
    return bool(get_secrets_auth_section())
