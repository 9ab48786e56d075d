"""What a server's reply is: an answer, no answer that can be read, a passing trouble, or a refusal, and of what."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal["answer", "unreadable", "passing", "unclear", "lasting", "item", "refused", "key", "money", "config"]
"""unreadable: a success that is no chat completion. passing: over soon. unclear: an error that does not say which.
lasting: trouble that did not pass.

item: refused for what this item holds. refused: of the item or of all. key, money, config: the same for all items.
"""

WORTH_WAITING = {408, 409, 424, 425, 429, 498}  # 424: TGI, 498: Groq
SHOWN = 300
"""Characters of a server's words in a message."""

_SAYS = ("message", "detail", "error_msg", "errmsg", "msg", "status_msg", "faultstring", "error_description", "title")
_TELLS = ("code", "type", "status", "status_code", "error_code", "errcode", "reason", "__type", "error")
_INSIDE = ("error", "errors", "detail", "base_resp", "fault", "details")

# Codes without what separates their words.
_NO_MONEY = {
    *("insufficientquota", "billinghardlimitreached", "billingnotactive", "insufficientbalance", "arrearage"),
    *("insufficientuserquota", "insufficientcredits", "insufficientfunds", "paymentrequired", "billingerror"),
    *("exceededcurrentquotaerror", "creditbalancetoolow", "budgetexceeded", "creditlimit"),
}
_NO_KEY = {"invalidapikey", "authenticationerror", "apikeyinvalid", "unauthorized", "unauthenticated", "invalidkey"}
_OF_ALL = {
    *("modelnotfound", "modelnotexist", "modelnotsupported", "unsupportedmodel", "invalidmodel", "unknownmodel"),
    *("deploymentnotfound", "unsupportedparameter", "unsupportedvalue", "unknownparameter"),
    "unsupportedcountryregionterritory",
}
_OF_THE_ITEM = {
    *("contextlengthexceeded", "exceedcontextsizeerror", "contentfilter", "contentpolicyviolation", "invalidprompt"),
    *("datainspectionfailed", "stringabovemaxlength", "prompttoolong", "requesttoolarge"),
    "responsibleaipolicyviolation",
}
_BUSY = re.compile(
    r"rate.?limit|too.?many.?requests|throttl|overload|exhausted|busy|capacity|unavailable|time.?out|timed out|"
    r"qps|limit.{0,9}(reached|exceeded)|rate exceeded|"
    r"internal|server.?error|api.?error|temporar|try again|retry|loading|upstream|gateway",
    re.IGNORECASE,
)
_IN_TROUBLE = re.compile(
    r"rate.?limit|too many requests|overloaded|service unavailable|bad gateway|gateway time.?out|timed out|"
    r"upstream connect error|internal (server )?error|temporarily|try again|is loading",
    re.IGNORECASE,
)
_LIMITS = re.compile(r"ratelimit|throttl|toomanyrequests")
_REFUSES = re.compile(r"invalid|badrequest|notfound|permission|forbidden|unsupported|unprocessable|denied")
_SAYS_OF_THE_ITEM = re.compile(
    r"context.{0,20}(length|size|window)|content exists risk|content (management|policy|filter)|flagged|moderation|"
    r"inappropriate|(prompt|input|request) (is |was )?too (long|large)|too many (input |prompt )?tokens|敏感|违规|"
    r"content.?policy|maximum (model|context) len|tokens?\b.{0,60}(exceeds|less than|must be <=)|longer than the max",
    re.IGNORECASE,
)
_SAYS_NO_MONEY = re.compile(
    r"insufficient (account )?(balance|credits?|funds|quota)|credit balance is too low|budget has been exceeded|"
    r"(doesn't|does not) have any credits|out of call volume quota|余额不足|欠费|额度不足",
    re.IGNORECASE,
)
_SAYS_NO_KEY = re.compile(
    r"api.?key.{0,60}(not valid|invalid|expired|revoked|leaked|disabled|suspended|deactivated)|"
    r"(invalid|incorrect|wrong|expired) api.?key",
    re.IGNORECASE,
)
_SAYS_NO_MODEL = re.compile(
    r"\bmodel\b.{0,100}(not exist|not found|not supported)|no models? (is )?loaded", re.IGNORECASE
)
_SAYS_LATER = re.compile(r"try again|retry|\bwait\b|later|temporar|unavailable|overload|busy", re.IGNORECASE)
_SAYS_OF_THE_SERVER = re.compile(r"model (has |was )?(crashed|unloaded|reloaded)", re.IGNORECASE)  # LM Studio


@dataclass(frozen=True)
class Reply:
    """A reply as it is to be dealt with. status: HTTP's, or what an error inside a success stands for.

    words: the server's own, in short, of what is no answer.
    """

    kind: Kind
    status: int
    words: str


def parsed_json(body: str) -> Any:
    """The JSON value of a body; None where it is none. Numbers of more digits than any count has are None."""
    try:
        return json.loads(body.lstrip("\ufeff"), parse_int=lambda digits: int(digits) if len(digits) < 19 else None)
    except (ValueError, RecursionError):
        return None


def completion_of(parsed: Any) -> Mapping[str, Any] | None:
    """The first choice of a chat completion, empty where the list is; None where it is no chat completion."""
    choices = parsed.get("choices") if isinstance(parsed, dict) else None
    if not isinstance(choices, list):
        return None
    choice = choices[0] if choices else {}
    if not isinstance(choice, dict):
        return None
    if choice.get("message") is None and choice.get("finish_reason"):  # Gemini's, where all went into thoughts
        return choice | {"message": {}}
    return choice if not choice or isinstance(choice.get("message"), dict) else None


def read_reply(status: int, body: str) -> Reply:
    """Tell what a reply is."""
    parsed = parsed_json(body)
    choice = completion_of(parsed)
    fault = _fault(parsed, choice)
    success = 200 <= status < 300
    if success and choice is not None and (fault is None or (choice.get("message") or {}).get("content")):
        return Reply("answer", 200, "")
    words = words_of(fault if fault is not None else parsed, body)
    if success and fault is None:
        # A gateway's page or bare text, which tells in words alone that it has trouble.
        busy = choice is None and not isinstance(parsed, list) and len(words) <= SHOWN and _IN_TROUBLE.search(words)
        return Reply("unclear" if busy else "unreadable", 200, words)
    told = set(_told(fault))
    codes = {re.sub(r"[^a-z0-9]", "", text.lower()) for text in told}
    if success:
        status = next((int(code) for code in codes if re.fullmatch(r"[45]\d\d", code)), 0)
    kind = _kind(status, codes, words)
    if status == 0 and kind == "refused" and not any(map(_REFUSES.search, codes)):  # an error without a status
        kind = "passing" if any(map(_BUSY.search, [*told, words])) else "unclear"
    return Reply(kind, status or (200 if kind in ("passing", "unclear") else 400), words)


def _kind(status: int, codes: set[str], words: str) -> Kind:
    if status == 401 or codes & _NO_KEY or (status < 500 and _SAYS_NO_KEY.search(words)):
        return "key"
    if status == 402 or codes & _NO_MONEY or (status < 500 and _SAYS_NO_MONEY.search(words)):
        return "money"
    passes = status in WORTH_WAITING or status >= 500
    if codes & _OF_THE_ITEM or (_SAYS_OF_THE_ITEM.search(words) and not (passes and _SAYS_LATER.search(words))):
        return "item"
    if status == 407 or (status < 500 and (codes & _OF_ALL or (status and _SAYS_NO_MODEL.search(words)))):
        return "config"
    if passes or (status in (400, 403) and any(map(_LIMITS.search, codes))):
        return "passing"
    if status == 400 and _SAYS_OF_THE_SERVER.search(words):
        return "passing"
    return "refused"


def _fault(parsed: Any, choice: Mapping[str, Any] | None) -> Any:
    """The part of a reply that tells of an error; None where none does."""
    if isinstance(parsed, list):
        return next((inner for inner in parsed if isinstance(inner, dict) and inner.get("error")), None)
    if not isinstance(parsed, dict):
        return None
    if choice is not None:
        return choice.get("error") or parsed.get("error")
    if parsed.get("object") == "error" or any(parsed.get(name) for name in ("error", "errors", "detail", "fault")):
        return parsed
    tells = any(parsed.get(name) not in (None, "", 0) for name in (*_TELLS, "base_resp"))
    return parsed if tells and any(parsed.get(name) for name in (*_SAYS, "base_resp")) else None


def _parts(fault: Any, depth: int = 0) -> Iterator[Mapping[str, Any]]:
    """The objects of an error: itself, and those inside it that tell more."""
    if isinstance(fault, dict) and depth < 5:
        yield fault
        for name in _INSIDE:
            yield from _parts(fault.get(name), depth + 1)
    for inner in fault[:5] if isinstance(fault, list) and depth < 5 else ():
        yield from _parts(inner, depth + 1)


def _values(fault: Any, name: str) -> Iterator[Any]:
    return (part[name] for part in _parts(fault) if part.get(name) is not None)


def _told(fault: Any) -> Iterator[str]:
    """Codes, types and the like of an error."""
    values = (value for name in _TELLS for value in _values(fault, name))
    plain = (int(value) if isinstance(value, float) and value.is_integer() else value for value in values)
    return (str(value) for value in plain if isinstance(value, str | int) and not isinstance(value, bool))


def words_of(fault: Any, body: str) -> str:
    """What a server says of an error; else the beginning of what it sent, tags and spaces aside."""
    said = [fault] if isinstance(fault, str) else [v for name in _SAYS for v in _values(fault, name)]
    said += [value for value in _values(fault, "error") if isinstance(value, str)]
    text = "; ".join(dict.fromkeys(value for value in said if isinstance(value, str)))
    text = text or re.sub(r"<(script|style)\b.{0,5000}?</\1>|<[^<>]{0,500}>", " ", body[:5000], flags=re.DOTALL)
    shown = " ".join(readable(text).split())
    return shown if len(shown) <= SHOWN else f"{shown[:SHOWN]}…"


def readable(text: str) -> str:
    """The text with U+FFFD for what no file can hold: halves of surrogate pairs and control characters."""
    whole = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return re.sub(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]", "\ufffd", whole)
