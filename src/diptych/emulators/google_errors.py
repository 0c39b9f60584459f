"""How Google's APIs say no: the google.rpc error envelope.

The wording is Google's own where it has been published or quoted by users; where it has not, the message is
ours, in plain words.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from diptych.emulators.replies import Refusal, Reply, html_error

SERVICE = "aiplatform.googleapis.com"

CANONICAL = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
}
"""The google.rpc name of each HTTP status used here."""

_CREDENTIAL_HELP = (
    "Expected OAuth 2 access token, login cookie or other valid authentication credential. "
    "See https://developers.google.com/identity/sign-in/web/devconsole-project."
)


def error(
    status: int, message: str, *details: Mapping[str, Any], headers: Mapping[str, str] | None = None
) -> Reply:
    """Build an error in Google's JSON envelope.

    Args:
        status: The HTTP status, one of `CANONICAL`.
        message: The sentence for people.
        details: google.rpc messages, each with its `@type`; without any there is no `details` key.
        headers: Further HTTP headers.
    """
    envelope: dict[str, Any] = {"code": status, "message": message, "status": CANONICAL[status]}
    if details:
        envelope["details"] = list(details)
    body = json.dumps({"error": envelope}, indent=2).encode()
    return Reply(status, body, headers=headers or {})


def error_info(reason: str, domain: str = "googleapis.com", **metadata: str) -> dict[str, Any]:
    """Build a google.rpc.ErrorInfo: the reason as a constant, for programs."""
    return {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": reason,
        "domain": domain,
        "metadata": metadata,
    }


def retry_info(seconds: float) -> dict[str, Any]:
    """Build a google.rpc.RetryInfo: how long to wait, as a protobuf duration."""
    return {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": f"{seconds:.9g}s"}


def help_link(description: str, url: str) -> dict[str, Any]:
    """Build a google.rpc.Help with one link."""
    return {
        "@type": "type.googleapis.com/google.rpc.Help",
        "links": [{"description": description, "url": url}],
    }


def invalid(message: str) -> Refusal:
    """Build the refusal of a request that will never be taken: 400 INVALID_ARGUMENT."""
    return Refusal(error(400, message))


def unknown_field(name: str) -> Refusal:
    """Build the refusal of a JSON field that the request message does not have."""
    text = f'Invalid JSON payload received. Unknown name "{name}": Cannot find field.'
    violation = {
        "@type": "type.googleapis.com/google.rpc.BadRequest",
        "fieldViolations": [{"description": text}],
    }
    return Refusal(error(400, text, violation))


def not_found_page(path: str) -> Reply:
    """Build the front end's answer for an address that no service has."""
    return html_error(404, f"The requested URL {path} was not found on this server.")


def model_not_found(resource: str) -> Reply:
    """Build the answer for a model that is not served, or was retired."""
    return error(
        404,
        f"Publisher Model `{resource}` was not found or your project does not have access to it. "
        "Please ensure you are using a valid model version. For more information, see: "
        "https://cloud.google.com/vertex-ai/generative-ai/docs/learn/model-versions",
    )


def unauthenticated(reason: str) -> Reply:
    """Build the answer for CREDENTIALS_MISSING, or for a token that is not good: ACCESS_TOKEN_EXPIRED."""
    missing = reason == "CREDENTIALS_MISSING"
    what = (
        "is missing required authentication credential"
        if missing
        else "had invalid authentication credentials"
    )
    info = error_info(reason, service=SERVICE, method="google.cloud.aiplatform.v1.PredictionService.Predict")
    challenge = 'Bearer realm="https://accounts.google.com/"' + ("" if missing else ', error="invalid_token"')
    return error(401, f"Request {what}. {_CREDENTIAL_HELP}", info, headers={"WWW-Authenticate": challenge})


def permission_denied(resource: str) -> Reply:
    """Build the answer for an account without the role `roles/aiplatform.user`."""
    permission = "aiplatform.endpoints.predict"
    return error(
        403,
        f"Permission '{permission}' denied on resource '//{SERVICE}/{resource}' (or it may not exist).",
        error_info("IAM_PERMISSION_DENIED", domain=SERVICE, permission=permission, resource=resource),
    )


def service_disabled(project: str) -> Reply:
    """Build the answer for a project in which the Vertex AI API is not switched on."""
    url = f"https://console.developers.google.com/apis/api/{SERVICE}/overview?project={project}"
    return error(
        403,
        f"Vertex AI API has not been used in project {project} before or it is disabled. Enable it by "
        f"visiting {url} then retry. If you enabled this API recently, wait a few minutes for the action to "
        "propagate to our systems and retry.",
        error_info(
            "SERVICE_DISABLED",
            service=SERVICE,
            serviceTitle="Vertex AI API",
            consumer=f"projects/{project}",
            containerInfo=project,
            activationUrl=url,
        ),
        help_link("Google developers console API activation", url),
    )


def billing_disabled(project: str) -> Reply:
    """Build the answer for a project without a billing account."""
    url = f"https://console.developers.google.com/billing/enable?project={project}"
    return error(
        403,
        f"This API method requires billing to be enabled. Please enable billing on project #{project} by "
        f"visiting {url} then retry. If you enabled billing for this project recently, wait a few minutes "
        "for the action to propagate to our systems and retry.",
        error_info("BILLING_DISABLED", service=SERVICE, consumer=f"projects/{project}"),
        help_link("Google developers console billing", url),
    )


def quota_project_denied(project: str) -> Reply:
    """Build the answer for an account that may not charge its calls to the quota project."""
    return error(
        403,
        f"Caller does not have required permission to use project {project}. Grant the caller the "
        "roles/serviceusage.serviceUsageConsumer role, or a custom role with the serviceusage.services.use "
        "permission, by visiting "
        f"https://console.developers.google.com/iam-admin/iam/project?project={project} and then retry.",
        error_info("USER_PROJECT_DENIED", service=SERVICE, consumer=f"projects/{project}"),
    )


def quota_exceeded(model: str, retry_delay: float) -> Reply:
    """Build the answer past the quota of requests a minute, `retry_delay` in seconds."""
    metric = f"{SERVICE}/online_prediction_requests_per_base_model"
    return error(
        429,
        f"Quota exceeded for {metric} with base model: {model}. Please submit a quota increase request. "
        "https://cloud.google.com/vertex-ai/docs/generative-ai/quotas-genai.",
        error_info("RATE_LIMIT_EXCEEDED", service=SERVICE, quota_metric=metric),
        retry_info(retry_delay),
    )


def resource_exhausted(headers: Mapping[str, str] | None = None) -> Reply:
    """Build the answer when the capacity that all customers share is used up."""
    return error(
        429,
        "Resource exhausted. Please try again later. Please refer to "
        "https://cloud.google.com/vertex-ai/generative-ai/docs/error-code-429 for more details.",
        headers=headers,
    )
