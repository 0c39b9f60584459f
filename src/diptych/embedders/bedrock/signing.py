"""AWS credentials: found as AWS's own tools find them, by boto3, and used to sign each request."""

# botocore has no types.
# mypy: allow-untyped-calls

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from diptych.embedders.base import EmbedderUnavailable
from diptych.embedders.hosted.client import blank_out

if TYPE_CHECKING:
    from botocore.credentials import Credentials

SIGN_IN = "run `aws configure`, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE"
"""What a person without usable credentials does next."""


class AwsCredentials:
    """AWS credentials, which sign each request (Signature Version 4).

    Args:
        found: From botocore, which refreshes them where that can be done.
        region: The region that requests are signed for.
    """

    def __init__(self, found: Credentials, region: str) -> None:
        self.region = region
        self._found = found
        self._secrets: tuple[str | None, ...] = ()

    def headers(self, url: str, body: bytes) -> Mapping[str, str]:
        """Sign one request.

        Raises:
            EmbedderUnavailable: The credentials have run out and can't be refreshed.
        """
        from botocore.auth import SigV4Auth
        from botocore.awsrequest import AWSRequest
        from botocore.exceptions import BotoCoreError

        try:
            known = self._found.get_frozen_credentials()
        except BotoCoreError as error:
            refused = EmbedderUnavailable(f"AWS asks to sign in again ({error}): {SIGN_IN}")
        else:
            self._secrets = known.secret_key, known.token, known.access_key
            request = AWSRequest("POST", url, data=body, headers={"content-type": "application/json"})
            SigV4Auth(known, "bedrock", self.region).add_auth(request)
            return {name.lower(): value for name, value in request.headers.items()}
        raise refused

    def refresh(self, _headers: Mapping[str, str]) -> bool:
        """Credentials that can be refreshed are, before they run out; refused ones stay refused."""
        return False

    def hide(self, text: str) -> str:
        """Blank out the credentials in what a server said."""
        return blank_out(text, self._secrets)


def find_credentials(region: str | None) -> AwsCredentials:
    """Find credentials and, where none is named, the region: in variables, profiles, roles of AWS's machines.

    Raises:
        EmbedderUnavailable: There are none; the message says how to get some.
    """
    try:
        from boto3.session import Session
        from botocore.exceptions import BotoCoreError
    except ImportError:
        raise EmbedderUnavailable("bedrock needs boto3: pip install 'diptych[bedrock]'") from None
    try:
        session = Session()
        region, found = region or session.region_name, session.get_credentials()
    except BotoCoreError as error:  # a profile that is not there, a broken file
        raise EmbedderUnavailable(f"there are no usable AWS credentials ({error}): {SIGN_IN}") from None
    if found is None:
        raise EmbedderUnavailable(f"there are no AWS credentials: {SIGN_IN}")
    if not region:
        raise EmbedderUnavailable(
            "Bedrock needs a region: write bedrock?region=us-east-1 or set AWS_DEFAULT_REGION"
        )
    if not re.fullmatch(r"[a-z0-9-]+", region):  # it becomes part of a host name
        raise EmbedderUnavailable(f"bedrock has no region {region!r}: it takes one such as us-east-1")
    return AwsCredentials(found, region)
