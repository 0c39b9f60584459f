"""What Vertex AI's refusals mean, and the next step for each."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from diptych.embedders.hosted.failures import Words
from diptych.embedders.prices import terms
from diptych.embedders.vertex.credentials import SIGN_IN

if TYPE_CHECKING:
    from diptych.embedders.hosted.provider import HostedSettings

_BY_REASON = {
    "SERVICE_DISABLED": "the Vertex AI API is not enabled in project {project}:"
    " run `gcloud services enable aiplatform.googleapis.com --project {project}` and wait a few minutes",
    "BILLING_DISABLED": "project {project} has no billing: link a billing account to it at"
    " https://console.cloud.google.com/billing/linkedaccount?project={project} and wait a few minutes",
    "IAM_PERMISSION_DENIED": "this account may not use Vertex AI in project {project}, or there is no such"
    " project: ask its owner for the role roles/aiplatform.user, or name another project",
    "USER_PROJECT_DENIED": "this account may not charge the quota project: run"
    " `gcloud auth application-default set-quota-project {project}` (or set GOOGLE_CLOUD_QUOTA_PROJECT)"
    " with a project in which it has the role roles/serviceusage.serviceUsageConsumer",
    "CONSUMER_INVALID": "there is no project {project}: check {name}?project=YOUR-PROJECT",
    "ACCESS_TOKEN_SCOPE_INSUFFICIENT": "these credentials were not made for Google Cloud"
    f" (the scope cloud-platform is missing): {SIGN_IN}",
}
"""What to do, by the reason in google.rpc.ErrorInfo."""

_TELLTALES = {
    "has not been used in project": "SERVICE_DISABLED",
    "requires billing": "BILLING_DISABLED",
    "permission to use project": "USER_PROJECT_DENIED",
}
"""The same in Google's sentences, for answers without a reason."""

_REQUEST_AT_FAULT = re.compile(
    r"\bdimension\b|output_?dimensionality|\bparameters\b|instance\(s\)|empty instances|no embedding input"
    r"|computetokens|publisher model|\blocation\b|\bregion\b|\bproject\b|api key|billing",
    re.IGNORECASE,
)
"""A 400 that says so would say it of every picture."""


def words(settings: HostedSettings, project: str, home: str) -> Words:
    """How failures of a model on Vertex AI are put to a person.

    Args:
        settings: The model that is asked, and where.
        project: The project asked in.
        home: The location where the model is served if anywhere.
    """
    name = settings.provider.name
    reasons = {reason: text.format(project=project, name=name) for reason, text in _BY_REASON.items()}
    retires = terms(name, settings.model).retires
    retired = f", or is retired (Google's date is {retires})" if retires else ""
    location = settings.options["location"]
    return Words(
        title=settings.provider.title,
        endpoint=settings.endpoint,
        refused=f"Google does not accept these credentials, they may be too old: {SIGN_IN}",
        forbidden=reasons["IAM_PERMISSION_DENIED"],
        not_found=f"{settings.model} is not served in {location} to project {project}{retired}:"
        f" try {name}?location={home} and check the project",
        settings=f"location={location} or endpoint=",
        over_quota="lower requests_per_minute, or ask for more at"
        " https://console.cloud.google.com/iam-admin/quotas",
        reasons=reasons,
        telltales=_TELLTALES,
        at_fault=_REQUEST_AT_FAULT,
    )
