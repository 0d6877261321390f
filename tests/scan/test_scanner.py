"""What the scanner promises. Every secret here is made up and put together at run time."""

from __future__ import annotations

import base64
import time

import pytest

from lampway.domain.package import Literal, Role, Severity
from lampway.scan import rules
from lampway.scan.scanner import MAX_LENGTH, MAX_PER_RULE, RuleScanner, fingerprint

_LETTERS = "aZ9bY8cX7dW6eV5fU4gT3hS2iR1jQ0kPlOmNnMoLpKqJrIsHtGuFvEwDxCyBzA"
PLACE = "tab Orders / http request ERP / url"


def noise(size: int) -> str:
    """Text that looks random and is the same every time."""
    return "".join(_LETTERS[(7 * n + n * n // 3) % len(_LETTERS)] for n in range(size))


def hexes(size: int) -> str:
    return "".join("0123456789abcdef"[(5 * n + n * n // 5 + 3) % 16] for n in range(size))


def capitals(size: int) -> str:
    return "".join("ABCDEFGHJKLMNPQRSTUVWXYZ234567"[(7 * n + n * n // 3) % 30] for n in range(size))


def scan(value: str, role: Role = Role.CODE, key: str = "func", names: tuple[str, ...] = ()):
    return RuleScanner().scan([Literal(PLACE, key, value, role)], names)


def found(value: str, role: Role = Role.CODE, key: str = "func", names: tuple[str, ...] = ()) -> list[str]:
    return [finding.rule for finding in scan(value, role, key, names)]


def secrets_found(value: str, role: Role = Role.CODE, key: str = "func") -> list[str]:
    return [finding.rule for finding in scan(value, role, key) if finding.severity is Severity.SECRET]


def basic(user: str, password: str) -> str:
    return base64.b64encode(f"{user}:{password}".encode()).decode()


PEM = "-----BEGIN {}PRIVATE " + "KEY-----"
TOKENS = {
    "aws-access-key": "AKI" + "A" + capitals(16).replace("0", "2"),
    "google-api-key": "A" + "IzaSy" + noise(33),
    "google-oauth-secret": "GOC" + "SPX-" + noise(28),
    "github-token": "gh" + "p_" + noise(36),
    "github-fine-grained-token": "github" + "_pat_" + noise(82),
    "gitlab-token": "glp" + "at-" + noise(20),
    "slack-token": "xox" + "b-123456789012-987654321098-" + noise(24),
    "slack-webhook": "https://hooks.sl" + "ack.com/services/T0" + capitals(8) + "/B0" + capitals(8) + "/" + noise(24),
    "stripe-key": "sk_" + "live_" + noise(24),
    "twilio-key": "S" + "K" + hexes(32),
    "sendgrid-key": "S" + "G." + noise(22) + "." + noise(43),
    "npm-token": "np" + "m_" + noise(36),
    "pypi-token": "pyp" + "i-AgEIcHlwaS5vcmc" + noise(70),
    "openai-key": "sk-" + "proj-" + noise(60),
    "anthropic-key": "sk-" + "ant-api03-" + noise(93) + "AA",
    "telegram-token": "123456789" + ":A" + "A" + noise(33),
    "discord-token": "MT" + noise(24) + "." + noise(6) + "." + noise(30),
    "json-web-token": "ey" + "J" + noise(30) + ".ey" + "J" + noise(60) + "." + noise(43),
    "azure-storage-key": "AccountName=acme;Account" + "Key=" + noise(86) + "==",
    "azure-client-secret": "abc8" + "Q~" + noise(34),
    "hashicorp-vault-token": "hv" + "s." + noise(90),
    "terraform-token": noise(14) + ".atlas" + "v1." + noise(67),
    "mailchimp-key": hexes(32) + "-us" + "12",
    "private-key": PEM.format("RSA ") + "\n" + noise(64) + "\n" + noise(64),
}


class TestSecretsByTheirShape:
    @pytest.mark.parametrize("rule", TOKENS)
    @pytest.mark.parametrize("around", ["{}", "const x = '{}';", '{{"a": "{}"}}', "first line\n  {}\nlast line"])
    @pytest.mark.parametrize("role", [Role.CODE, Role.TEXT, Role.SECRET_SLOT, Role.IDENTITY, Role.RESOURCE_ID])
    def test_a_token_is_found_wherever_it_stands(self, rule, around, role):
        assert rule in secrets_found(around.format(TOKENS[rule]), role)

    @pytest.mark.parametrize("rule", TOKENS)
    def test_one_token_is_one_secret(self, rule):
        assert secrets_found(TOKENS[rule]) == [rule]

    def test_a_private_key_inside_json_inside_code_is_found(self):
        body = PEM.format("") + "\\n" + noise(64) + "\\n"
        assert secrets_found('{"type": "service_account", "private_key": "' + body + '"}') == ["private-key"]

    def test_the_secret_half_near_an_aws_key_is_found(self):
        text = f"{TOKENS['aws-access-key']} {noise(40)}"
        assert sorted(secrets_found(text)) == ["aws-access-key", "aws-secret-key"]

    def test_a_signed_address_is_found(self):
        url = "https://acme.blob.core.windows.net/c/f?sv=2022&si" + "g=" + noise(44) + "%3D&se=1"
        assert secrets_found(url, Role.ENDPOINT, "url") == ["signed-url"]

    @pytest.mark.parametrize("word", ["aKIAABCDEFGHIJKLMNOP", "ghp_short", "eyJ.eyJ.x", "SKi is fun", "sk_live_x"])
    def test_what_only_begins_like_a_token_is_none(self, word):
        assert secrets_found(word) == []


class TestSecretsByTheirSurroundings:
    @pytest.mark.parametrize(
        ("rule", "text"),
        [
            ("url-credentials", "amqp://shop:{}@mq.acme.example:5672/orders"),
            ("url-credentials", "https://:{}@redis.acme.example"),
            ("connection-string", "Server=db.acme.example;Database=erp;User Id=sa;Password={};Encrypt=true"),
            ("connection-string", "host=db user=erp password={}"),
            ("authorization-header", "Authorization: Bearer {}Qx81"),
            ("command-password", "curl -s -u admin:{} http://localhost"),
            ("command-password", "curl --user 'admin:{}' http://localhost"),
            ("secret-in-code", 'const password = "{}";'),
            ("secret-in-code", "dbPassword: '{}',"),
            ("secret-in-code", '{{"client_secret": "{}"}}'),
            ("secret-in-code", '"{{\\"client_secret\\": \\"{}\\"}}"'),
            ("secret-in-code", 'msg.headers["X-Api-Key"] = "{}"'),
            ("secret-in-code", "req.setHeader('x-api-key', '{}')"),
            ("secret-in-code", '{{"name": "X-API-KEY", "value": "{}"}}'),
            ("secret-in-code", "export ERP_TOKEN={}"),
            ("secret-in-code", "https://api.acme.example/v1?api_key={}&x=1"),
            ("secret-in-code", "if (token === `{}`) {{"),
        ],
    )
    def test_a_secret_beside_its_name_is_found(self, rule, text):
        assert secrets_found(text.format("Tr0ub4dor" + "3xY7")) == [rule]

    def test_a_basic_header_that_decodes_to_user_and_password_is_found(self):
        header = "Authorization: Basic " + basic("shop", "s3" + "cr3t-9")
        assert secrets_found(header) == ["authorization-header"]

    @pytest.mark.parametrize("key", ["X-API-KEY", "headers / Authorization", "clientSecret", "DB_PASSWORD", "apikey"])
    @pytest.mark.parametrize("role", [Role.TEXT, Role.CODE, Role.IDENTITY])
    def test_a_value_joined_with_a_name_that_promises_a_secret_is_found(self, key, role):
        assert secrets_found("7f3kd92" + "ms8Qa1", role, key) == ["named-secret"]

    @pytest.mark.parametrize(
        "text",
        [
            "const password = msg.payload.password;",
            "const token = env.get('ERP_TOKEN');",
            'const password = "${DB_PASSWORD}";',
            "headers: { Authorization: `Bearer ${token}` }",
            'password = "{{ $json.password }}"',
            '<input type="password" name="password" label="Password">',
            '[{"type": "password", "label": "Password", "key": "name"}]',
            "needs `username`, `password`, `host`, and `database`",
            'tokenUrl: "https://login.acme.test/oauth2"',
            'nextPageToken = "CAUQAA1234567890abcd"',
            'maxTokens: "4096"',
            'primaryKey: "order-number-and-line"',
            "basic authentication and bearer authentication are described below",
            "https://user:${PASSWORD}@acme.test/",
            "curl -u user:password http://localhost",
            "Password=;Server=x",
            'secretName: "orders-db-credentials-v2"',
            'password: "env:ERP_PASSWORD"',
            "a sentence about the secret: nobody knows it",
        ],
    )
    def test_names_expressions_and_prose_are_no_secrets(self, text):
        assert secrets_found(text) == []


class TestSecretSlots:
    @pytest.mark.parametrize(
        "value", ["hunter2", "pass word", "12345", "a" + "b", "geheim", "$tar-1", "x;y", "my-dog-Rex"]
    )
    def test_any_literal_is_a_finding(self, value):
        assert found(value, Role.SECRET_SLOT, "password") == ["secret-in-slot"]

    @pytest.mark.parametrize(
        "value",
        [
            "",
            "  ",
            "${MQTT_PASSWORD}",
            "Bearer ${TOKEN}",
            "{{token}}",
            "={{ $env.TOKEN }}",
            "@parameters('token')",
            "$TOKEN",
            "env:MQTT_PASSWORD",
            "keyring:mqtt/prod",
            "YOUR_API_KEY",
            "<token>",
            "********",
            "xxxxxxxx",
            "changeme",
            "CHANGE_ME",
            "my-api-key",
            "...",
            "false",
            "ERP_TOKEN",
        ],
    )
    def test_placeholders_expressions_and_references_are_none(self, value):
        assert found(value, Role.SECRET_SLOT, "password", ("ERP_TOKEN",)) == []

    def test_a_random_value_is_found_whatever_letters_chance_put_into_it(self):
        assert found("q8" + "yourX71mP0zK4wLr9", Role.SECRET_SLOT, "password") == ["secret-in-slot"]

    def test_a_known_token_in_a_slot_is_told_once_and_by_its_kind(self):
        assert found(TOKENS["github-token"], Role.SECRET_SLOT, "password") == ["github-token"]


class TestEndpoints:
    @pytest.mark.parametrize(
        "value",
        [
            "https://erp.acme.example/api/orders",
            "http://localhost:1880/x",
            "http://10.0.0.7",
            "http://[fe80::1]:8080/",
            "mqtt://broker:1883",
            "wss://live.acme.example/ws",
            "amqps://mq.acme.example",
            "postgres://db.acme.example/erp",
            "jdbc:sqlserver://db.acme.example:1433",
            "opc.tcp://plc7:4840",
            "broker.acme.example",
            "broker.acme.example:8883",
            "192.168.1.20",
            "localhost",
            "rabbit",
            "::1",
            "http://erp.acme.example/${PATH}",
        ],
    )
    def test_a_literal_address_in_a_slot_for_one_is_a_finding(self, value):
        (finding,) = scan(value, Role.ENDPOINT, "url")
        assert (finding.rule, finding.severity) == ("fixed-endpoint", Severity.ENDPOINT)

    @pytest.mark.parametrize(
        "value",
        [
            "",
            "/orders",
            "orders/{id}",
            "./x",
            "${ERP_URL}",
            "${ERP_URL}/orders",
            "http://${ERP_HOST}:1880/x",
            "https://{{host}}/x",
            "{{{url}}}",
            "1883",
            "0.0.0.0",
            "::",
            "ERP_URL",
            "https://your-server/x",
            "<host>",
            "37c509b3.9c2ab6",
            "bf5874816710d0c7",
        ],
    )
    def test_paths_expressions_ports_and_ids_are_none(self, value):
        assert found(value, Role.ENDPOINT, "url", ("ERP_URL",)) == []

    @pytest.mark.parametrize("text", ["msg.url = 'https://erp.acme.com/x';", 'connect("mqtt://10.1.2.3:1883")'])
    def test_a_whole_address_in_code_is_a_finding(self, text):
        assert found(text) == ["endpoint-in-code"]

    @pytest.mark.parametrize(
        "text",
        [
            "// see https://nodered.org/docs",
            "x = 1; // https://acme.com",
            "/* https://acme.com */",
            'xmlns="http://www.w3.org/2000/svg"',
            "`https://${host}/x`",
            "https://api.example.com/v1",
            "'//' + host",
        ],
    )
    def test_comments_name_spaces_and_sample_hosts_in_code_are_none(self, text):
        assert found(text) == []

    def test_in_text_only_an_address_by_itself_counts(self):
        assert found("https://erp.acme.com/x", Role.TEXT, "to") == ["endpoint-in-code"]
        assert found("read https://erp.acme.com/x first", Role.TEXT, "info") == []
        assert found("https://www.example.com/x", Role.TEXT, "info") == []

    def test_the_fix_tells_a_maker_what_to_write(self):
        (finding,) = scan("https://erp.acme.example/x", Role.ENDPOINT, "url")
        assert "write ${ERP_URL} here" in finding.fix
        (finding,) = scan("x = 'https://erp.acme.com/x'")
        assert 'env.get("' in finding.fix

    def test_an_address_with_a_password_is_both(self):
        value = "mqtt://shop:" + "hunter22" + "@mq.acme.example"
        assert sorted(found(value, Role.ENDPOINT, "broker")) == ["fixed-endpoint", "url-credentials"]


class TestFindings:
    def everything(self):
        """Secrets, what each is made of beyond its public prefix, and what was found."""
        told = "https://shop:" + "hunter22x" + "@mq.acme.example/x"
        values = [*((value, value[-20:]) for value in TOKENS.values()), ("hunter2" * 3, "hunter2"), (told, "hunter22x")]
        return [(own, finding) for value, own in values for finding in scan(value, Role.SECRET_SLOT, "password")]

    def test_no_finding_holds_any_piece_of_a_secret_but_its_public_prefix(self):
        for own, finding in self.everything():
            told = f"{finding.summary} {finding.fix} {finding.fingerprint} {finding.rule}"
            assert not [at for at in range(len(own) - 4) if own[at : at + 5] in told], finding

    def test_every_finding_says_where_and_what_to_do(self):
        for _, finding in self.everything():
            assert finding.place == PLACE
            assert finding.summary
            assert finding.fix

    def test_a_value_is_recognised_again_only_where_nobody_could_guess_it(self):
        token = TOKENS["github-token"]
        (one,), (two,) = scan(token), scan(f"x = '{token}'")
        assert one.fingerprint == two.fingerprint == fingerprint(token)
        assert len(one.fingerprint) == 12
        (weak,) = scan("hunter2", Role.SECRET_SLOT, "password")
        assert weak.fingerprint == ""

    def test_an_address_is_recognised_by_host_and_not_by_what_is_secret_in_it(self):
        (plain,) = scan("https://erp.acme.example/a", Role.ENDPOINT, "url")
        with_query = scan("https://u:" + "pw12" + "@ERP.acme.example/b?c=d", Role.ENDPOINT, "url")
        assert plain.fingerprint in {finding.fingerprint for finding in with_query}

    def test_the_same_value_twice_in_one_place_is_one_finding(self):
        token = TOKENS["github-token"]
        assert found(f"a('{token}'); b('{token}')") == ["github-token"]

    def test_findings_come_in_the_order_of_the_literals_and_always_the_same(self):
        literals = [
            Literal(f"node {n}", "func", f"{TOKENS['stripe-key']} https://acme.com {TOKENS['github-token']}", Role.CODE)
            for n in range(20)
        ]
        first = RuleScanner().scan(literals)
        assert [f.place for f in first] == sorted((f.place for f in first), key=lambda place: int(place.split()[1]))
        assert first == RuleScanner().scan(literals)

    def test_layout_is_not_looked_at(self):
        assert found(TOKENS["github-token"], Role.LAYOUT) == []

    def test_text_of_every_kind_is_survived(self):
        odd = "İstanbul \ud800 😀 \0 " + TOKENS["github-token"] + " İ"
        assert secrets_found(odd) == ["github-token"]
        assert RuleScanner().scan([]) == ()

    def test_positions_hold_behind_letters_whose_lower_case_is_longer(self):
        assert secrets_found("İ" * 50 + ' PASSWORD = "Tr0ub' + '4dor3" ') == ["secret-in-code"]


class TestLimits:
    SLOW = (
        "a", "key", "password=", 'secret"', "://", "a://b.c ", "http://a.b/ ", "ey" + "J", "ey" + "Ja.",
        PEM.format(""), "{{", "${", "bearer ", "AKI" + "A", "glp" + "at-", "sk-" + "proj-", "dckr_" + "pat_", " -u a:",
        "MT", ":A" + "A", '"key": "', "token: aaaa1111 ", "pwd=abcd1;", "<", "\\", "' ", "\n",
    )  # fmt: skip

    @pytest.mark.parametrize("piece", SLOW)
    @pytest.mark.parametrize("role", [Role.CODE, Role.SECRET_SLOT])
    def test_no_text_makes_it_slow(self, piece, role):
        text = (piece * (400_000 // len(piece)))[:400_000]
        before = time.process_time()
        scan(text, role, "password")
        assert time.process_time() - before < 4

    def test_time_grows_with_the_length_and_not_with_its_square(self):
        line = 'const key = "abc"; msg.url = base + "/orders?id=" + id; // token, password: see wiki\n'
        before = time.process_time()
        assert scan(line * (5_000_000 // len(line))) == ()
        assert time.process_time() - before < 15  # about 1 second; its square would be hours

    def test_what_is_too_long_is_said(self):
        findings = scan("a " * (MAX_LENGTH // 2 + 1))
        assert [(f.rule, f.severity) for f in findings] == [("not-scanned", Severity.GOVERNANCE)]

    def test_a_flood_of_findings_is_cut(self):
        text = "\n".join(f'token = "A1b2C3d4E5f6{n}"' for n in range(MAX_PER_RULE * 3))
        assert len(scan(text)) == MAX_PER_RULE


def test_rules_are_listed_once_with_a_title():
    listed = rules.rules()
    assert [rule.id for rule in listed] == sorted({rule.id for rule in listed})
    assert all(rule.title for rule in listed)
    assert set(TOKENS) <= {rule.id for rule in listed}


def test_every_rule_can_be_reached_from_its_anchor():
    for rule in rules.token_rules():
        assert rule.anchors
        assert all(anchor == anchor.lower() for anchor in rule.anchors) or not rule.anywhere
