"""What secrets look like: formats that vendors publish for their tokens, as data.

Every pattern starts at one of its anchors, is bounded in length and has no repetition inside a repetition, so that
no text makes matching slow. The part that is the secret is the group `value`, or the whole match.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from lampway.domain.package import Severity


@dataclass(frozen=True, slots=True)
class Rule:
    """One kind of fault that a scan can find."""

    id: str
    title: str
    """What was found, for a maker: `a GitHub token`."""
    severity: Severity = Severity.SECRET


@dataclass(frozen=True, slots=True)
class TokenRule:
    """A secret that is recognised by its own shape."""

    rule: Rule
    anchors: tuple[str, ...]
    """Texts of which one must be there before the pattern is tried."""
    pattern: re.Pattern[str]
    back: int = 0
    """How many characters before the anchor the match starts."""
    prefixed: bool = True
    """Whether the anchor is the vendor's public prefix, which may be shown."""
    anywhere: bool = False
    """Whether it may stand in ordinary text; then anchors are lower case and match in any case."""


_TOKENS: tuple[tuple[str, str, str, str], ...] = (
    # id, title, anchors, what follows from the anchor on
    ("aws-access-key", "an AWS access key", "AKIA ASIA ABIA ACCA", r"A[KSBC][IC]A[A-Z2-7]{16}(?![A-Za-z0-9])"),
    ("aws-bedrock-key", "an Amazon Bedrock API key", "ABSKQmVkcm9ja0FQSUtleS", r"ABSK[A-Za-z0-9+/]{100,300}={0,2}"),
    ("google-api-key", "a Google API key", "AIza", r"AIza[\w-]{35}(?![\w-])"),
    ("google-oauth-secret", "a Google OAuth client secret", "GOCSPX-", r"GOCSPX-[\w-]{28}(?![\w-])"),
    ("google-access-token", "a Google access token", "ya29.", r"ya29\.[\w-]{30,1000}"),
    ("github-token", "a GitHub token", "ghp_ gho_ ghu_ ghs_ ghr_", r"gh[pousr]_[A-Za-z0-9]{36,255}"),
    ("github-fine-grained-token", "a GitHub token", "github_pat_", r"github_pat_\w{82}(?!\w)"),
    ("gitlab-token", "a GitLab token", "glpat- gldt- glrt- glft- glsoat- glcbt- glimt- glagent- gloas- glffct-",
     r"gl(?:pat|dt|rt|ft|soat|cbt|imt|agent|oas|ffct)-[\w.-]{20,300}"),
    ("gitlab-trigger-token", "a GitLab trigger token", "glptt-", r"glptt-[0-9a-f]{40}"),
    ("gitlab-runner-token", "a GitLab runner token", "GR1348941", r"GR1348941[\w-]{20,60}"),
    ("slack-token", "a Slack token", "xoxb- xoxp- xoxa- xoxo- xoxr- xoxs-",
     r"xox[aboprs]-(?:\d{1,14}-){1,4}[0-9A-Za-z]{16,250}"),
    ("slack-refresh-token", "a Slack token", "xoxe- xoxe.", r"xoxe(?:\.xox[bp])?-\d-[A-Za-z0-9]{100,300}"),
    ("slack-app-token", "a Slack app token", "xapp-", r"xapp-\d-[A-Za-z0-9]{4,20}-\d{4,20}-[A-Za-z0-9]{8,100}"),
    ("slack-webhook", "a Slack webhook address", "hooks.slack.com/",
     r"hooks\.slack\.com/(?:services|workflows|triggers)/(?P<value>[A-Za-z0-9+/]{40,60})"),
    ("stripe-key", "a Stripe key", "sk_live_ sk_test_ sk_prod_ rk_live_ rk_test_ rk_prod_",
     r"[sr]k_(?:live|test|prod)_[A-Za-z0-9]{16,250}"),
    ("stripe-webhook-secret", "a Stripe webhook secret", "whsec_", r"whsec_[A-Za-z0-9+/]{32,100}"),
    ("twilio-key", "a Twilio API key", "SK", r"SK[0-9a-f]{32}(?![0-9A-Za-z])"),
    ("sendgrid-key", "a SendGrid key", "SG.", r"SG\.[\w-]{22}\.[\w-]{43}(?![\w-])"),
    ("mailgun-key", "a Mailgun key", "key-", r"key-[0-9a-f]{32}(?![0-9A-Za-z])"),
    ("brevo-key", "a Brevo key", "xkeysib-", r"xkeysib-[0-9a-f]{64}-[A-Za-z0-9]{16}"),
    ("npm-token", "an npm token", "npm_", r"npm_[A-Za-z0-9]{36}(?![A-Za-z0-9])"),
    ("pypi-token", "a PyPI token", "pypi-AgE", r"pypi-AgE[\w-]{50,1000}"),
    ("rubygems-token", "a RubyGems token", "rubygems_", r"rubygems_[0-9a-f]{48}"),
    ("docker-token", "a Docker token", "dckr_pat_ dckr_oat_", r"dckr_[po]at_[\w-]{27,40}"),
    ("openai-key", "an OpenAI key", "sk-proj- sk-svcacct- sk-admin-", r"sk-(?:proj|svcacct|admin)-[\w-]{40,250}"),
    ("anthropic-key", "an Anthropic key", "sk-ant-", r"sk-ant-[a-z]{3,8}\d\d-[\w-]{80,120}"),
    ("openrouter-key", "an OpenRouter key", "sk-or-v1-", r"sk-or-v1-[0-9a-f]{64}"),
    ("groq-key", "a Groq key", "gsk_", r"gsk_[A-Za-z0-9]{52}(?![A-Za-z0-9])"),
    ("xai-key", "an xAI key", "xai-", r"xai-[A-Za-z0-9]{70,90}(?![A-Za-z0-9])"),
    ("perplexity-key", "a Perplexity key", "pplx-", r"pplx-[A-Za-z0-9]{48}(?![A-Za-z0-9])"),
    ("replicate-token", "a Replicate token", "r8_", r"r8_[A-Za-z0-9]{37}(?![A-Za-z0-9])"),
    ("huggingface-token", "a Hugging Face token", "hf_ api_org_", r"(?:hf|api_org)_[A-Za-z]{34}(?![A-Za-z0-9])"),
    ("notion-token", "a Notion token", "ntn_ secret_", r"(?:ntn_\d{8,12}[A-Za-z0-9]{35}|secret_[A-Za-z0-9]{43})(?!\w)"),
    ("airtable-token", "an Airtable token", "pat", r"pat[A-Za-z0-9]{14}\.[0-9a-f]{64}(?![0-9A-Za-z])"),
    ("hubspot-token", "a HubSpot token", "pat-na pat-eu",
     r"pat-(?:na|eu)\d-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"),
    ("shopify-token", "a Shopify token", "shpat_ shpss_ shpca_ shppa_", r"shp(?:at|ss|ca|pa)_[0-9a-fA-F]{32}"),
    ("square-token", "a Square token", "sq0atp- sq0csp- EAAA",
     r"(?:sq0atp-[\w-]{22}|sq0csp-[\w-]{43}|EAAA[\w-]{60})(?![\w-])"),
    ("facebook-token", "a Facebook token", "EAAM EAAC EAAB EAAG", r"EAA[MCBG][A-Za-z0-9]{60,300}(?![A-Za-z0-9])"),
    ("digitalocean-token", "a DigitalOcean token", "dop_v1_ doo_v1_ dor_v1_", r"do[opr]_v1_[0-9a-f]{64}"),
    ("databricks-token", "a Databricks token", "dapi", r"dapi[0-9a-f]{32}(?:-\d)?(?![0-9A-Za-z])"),
    ("grafana-token", "a Grafana token", "glsa_ glc_",
     r"(?:glsa_[A-Za-z0-9]{32}_[0-9A-Fa-f]{8}|glc_[A-Za-z0-9+/]{32,400}={0,3})"),
    ("hashicorp-vault-token", "a Vault token", "hvs. hvb.", r"hv[sb]\.[\w-]{24,300}"),
    ("pulumi-token", "a Pulumi token", "pul-", r"pul-[0-9a-f]{40}(?![0-9A-Za-z])"),
    ("1password-token", "a 1Password service account token", "ops_eyJ", r"ops_eyJ[A-Za-z0-9+/]{250,2000}={0,3}"),
    ("1password-secret-key", "a 1Password secret key", "A3-",
     r"A3-[A-Z0-9]{6}-(?:[A-Z0-9]{11}|[A-Z0-9]{6}-[A-Z0-9]{5})(?:-[A-Z0-9]{5}){3}"),
    ("age-key", "an age key", "AGE-SECRET-KEY-1", r"AGE-SECRET-KEY-1[A-Z0-9]{58}"),
    ("atlassian-token", "an Atlassian token", "ATATT3", r"ATATT3[\w=-]{150,250}"),
    ("linear-key", "a Linear key", "lin_api_", r"lin_api_[A-Za-z0-9]{40}"),
    ("postman-key", "a Postman key", "PMAK-", r"PMAK-[0-9a-f]{24}-[0-9a-f]{34}"),
    ("sentry-token", "a Sentry token", "sntrys_ sntryu_", r"sntry(?:u_[0-9a-f]{64}|s_eyJ[A-Za-z0-9+/=_-]{80,400})"),
    ("new-relic-key", "a New Relic key", "NRAK- NRII- NRJS-", r"NR(?:AK|II|JS)-[\w-]{19,40}"),
    ("dynatrace-token", "a Dynatrace token", "dt0c01.", r"dt0c01\.[A-Z2-7]{24}\.[A-Z2-7]{64}"),
    ("doppler-token", "a Doppler token", "dp.pt. dp.st.", r"dp\.[ps]t\.(?:[\w-]{1,40}\.)?[A-Za-z0-9]{40,44}"),
    ("heroku-key", "a Heroku key", "HRKU-", r"HRKU-[\w-]{36,70}"),
    ("fly-token", "a Fly.io token", "fm1r_ fm1a_ fm2_", r"fm(?:1[ra]|2)_[\w+/=-]{40,1500}"),
    ("sonar-token", "a SonarQube token", "squ_ sqp_ sqa_", r"sq[upa]_[0-9a-f]{40}"),
    ("sourcegraph-token", "a Sourcegraph token", "sgp_", r"sgp_(?:(?:[0-9a-fA-F]{16}|local)_)?[0-9a-fA-F]{40}"),
    ("figma-token", "a Figma token", "figd_", r"figd_[\w-]{40,60}"),
    ("supabase-token", "a Supabase token", "sbp_ sb_secret_", r"(?:sbp_[0-9a-f]{40}|sb_secret_[\w-]{30,50})"),
    ("tailscale-key", "a Tailscale key", "tskey-", r"tskey-[a-z]{2,8}-[A-Za-z0-9]{8,32}-[A-Za-z0-9]{20,64}"),
    ("planetscale-token", "a PlanetScale token", "pscale_", r"pscale_(?:tkn|pw|oauth)_[\w.=-]{32,64}"),
    ("octopus-key", "an Octopus Deploy key", "API-", r"API-[A-Z0-9]{26}(?![A-Za-z0-9])"),
    ("artifactory-key", "an Artifactory key", "AKCp", r"AKCp[A-Za-z0-9]{69}"),
    ("cloudflare-origin-key", "a Cloudflare origin key", "v1.0-", r"v1\.0-[0-9a-f]{24}-[0-9a-f]{146}"),
    ("easypost-key", "an EasyPost key", "EZAK EZTK", r"(?<![+/])EZ[AT]K[A-Za-z0-9]{54}(?![A-Za-z0-9+/])"),
    ("adafruit-key", "an Adafruit IO key", "aio_", r"aio_[A-Za-z0-9]{28}(?![A-Za-z0-9])"),
    ("openshift-token", "an OpenShift token", "sha256~", r"sha256~[\w-]{43}(?![\w-])"),
    ("clickhouse-key", "a ClickHouse Cloud key", "4b1d", r"4b1d[A-Za-z0-9]{38}(?![A-Za-z0-9])"),
)  # fmt: skip
"""Tokens that begin with a prefix their vendor made up for being found."""

_SHAPES: tuple[TokenRule, ...] = (
    TokenRule(
        Rule("private-key", "a private key"),
        ("-----begin ",),
        re.compile(
            r"-----BEGIN [A-Z0-9 ]{0,30}PRIVATE KEY(?: BLOCK)?-----[\s\S]{0,120}?(?P<value>[A-Za-z0-9+/]{24,100})"
        ),
        prefixed=False,
        anywhere=True,
    ),
    TokenRule(
        Rule("json-web-token", "a signed token (JWT)"),
        ("eyJ",),
        re.compile(r"(?<![\w-])eyJ[\w-]{10,4000}\.eyJ[\w-]{10,8000}\.[\w-]{10,2000}"),
    ),
    TokenRule(
        Rule("url-credentials", "a password in an address"),
        ("://",),
        re.compile(r"""://[^\s/?#:@"'<>\\]{0,100}:(?P<value>[^\s/?#@"'<>\\]{2,200})@(?=[\w\[])"""),
        prefixed=False,
        anywhere=True,
    ),
    TokenRule(
        Rule("azure-storage-key", "an Azure access key"),
        ("accountkey=", "sharedaccesskey="),
        re.compile(r"(?:Account|SharedAccess)Key=(?P<value>[A-Za-z0-9+/]{42,90}={0,2})", re.IGNORECASE),
        prefixed=False,
        anywhere=True,
    ),
    TokenRule(
        Rule("signed-url", "a signed address (SAS)"),
        ("sig=",),
        re.compile(r"(?<=[?&;])sig=(?P<value>[A-Za-z0-9%+/_-]{24,200})=?"),
        prefixed=False,
    ),
    TokenRule(
        Rule("azure-client-secret", "a Microsoft Entra client secret"),
        ("Q~",),
        re.compile(r"(?<![\w~.-])[\w~.-]{3}\dQ~[\w~.-]{31,34}(?![\w~-])"),
        back=4,
        prefixed=False,
    ),
    TokenRule(
        Rule("mailchimp-key", "a Mailchimp key"),
        ("-us",),
        re.compile(r"(?<![0-9A-Za-z])[0-9a-f]{32}-us\d{1,2}(?!\w)"),
        back=32,
        prefixed=False,
    ),
    TokenRule(
        Rule("terraform-token", "a Terraform Cloud token"),
        (".atlasv1.",),
        re.compile(r"(?<![A-Za-z0-9])[A-Za-z0-9]{14}\.atlasv1\.[\w-]{60,80}"),
        back=14,
        prefixed=False,
    ),
    TokenRule(
        Rule("openai-key", "an OpenAI key"),
        ("T3BlbkFJ",),
        re.compile(r"(?<![\w-])sk-[A-Za-z0-9]{20}T3BlbkFJ[A-Za-z0-9]{20}(?![\w-])"),
        back=23,
        prefixed=False,
    ),
    *(
        TokenRule(
            Rule("telegram-token", "a Telegram bot token"),
            (":AA",),
            re.compile(rf"(?<![0-9A-Za-z])\d{{{digits}}}:AA[\w-]{{33}}(?![\w-])"),
            back=digits,
            prefixed=False,
        )
        for digits in (8, 9, 10)
    ),
    TokenRule(
        Rule("discord-token", "a Discord bot token"),
        tuple(first + second for first, seconds in (("M", "Tjz"), ("N", "DTjz"), ("O", "DT")) for second in seconds),
        re.compile(r"(?<![\w.-])[MNO][\w-]{23,27}\.[\w-]{6}\.[\w-]{27,38}(?![\w-])"),
        prefixed=False,
    ),
    TokenRule(
        Rule("discord-webhook", "a Discord webhook address"),
        ("/api/webhooks/",),
        re.compile(r"/api/webhooks/\d{15,22}/(?P<value>[\w-]{60,80})"),
        prefixed=False,
    ),
    TokenRule(
        Rule("teams-webhook", "a Microsoft Teams webhook address"),
        (".webhook.office.com/",),
        re.compile(r"\.webhook\.office\.com/webhookb2/[\w@-]{36,80}/IncomingWebhook/(?P<value>[0-9a-f]{32})"),
        prefixed=False,
    ),
    TokenRule(
        Rule("connection-string", "a password in a connection string"),
        ("password=", "pwd=", "password =", "pwd ="),
        re.compile(r"(?:password|pwd) ?= ?(?P<value>[^;\"'\s&]{3,200})(?=;|\"|'|$)", re.IGNORECASE),
        prefixed=False,
        anywhere=True,
    ),
    TokenRule(
        Rule("authorization-header", "a credential for the Authorization header"),
        ("bearer ", "basic ", "token "),
        re.compile(r"(?<!\w)(?:bearer|basic|token) {1,3}(?P<value>[\w+/.~-]{12,2000}={0,2})(?![\w(])", re.IGNORECASE),
        prefixed=False,
        anywhere=True,
    ),
    TokenRule(
        Rule("command-password", "a password in a command"),
        (" -u", " --user"),
        re.compile(r"""\s(?:-u|--user)[ =]{0,2}["']?[^\s:"'$<{]{0,100}["']?:["']?(?P<value>[^\s"'$<{|;]{3,200})"""),
        prefixed=False,
        anywhere=True,
    ),
)
"""Secrets that are known by what stands around them."""

SLOT = Rule("secret-in-slot", "a secret typed into a field made for one")
NAMED = Rule("named-secret", "a secret, by the name beside it")
ASSIGNED = Rule("secret-in-code", "a secret written into code")
AWS_SECRET = Rule("aws-secret-key", "an AWS secret access key")
ADDRESS = Rule("fixed-endpoint", "a fixed address", Severity.ENDPOINT)
ADDRESS_IN_CODE = Rule("endpoint-in-code", "a fixed address in code", Severity.ENDPOINT)
UNREAD = Rule("not-scanned", "text too long to be scanned whole", Severity.GOVERNANCE)


@cache
def token_rules() -> tuple[TokenRule, ...]:
    """Return every rule that knows a secret by its shape, the most specific first."""
    named = tuple(
        TokenRule(Rule(id_, title), tuple(anchors.split()), re.compile(r"(?<![A-Za-z0-9])" + rest))
        for id_, title, anchors, rest in _TOKENS
    )
    return named + _SHAPES


def rules() -> tuple[Rule, ...]:
    """Return every rule, each once, ordered by id; for the documentation."""
    by_id = {token.rule.id: token.rule for token in token_rules()}
    others = (SLOT, NAMED, ASSIGNED, AWS_SECRET, ADDRESS, ADDRESS_IN_CODE, UNREAD)
    by_id.update({rule.id: rule for rule in others})
    return tuple(by_id[id_] for id_ in sorted(by_id))
