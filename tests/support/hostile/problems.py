"""Problem files and settings: bad values under every kind of key."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

from tests.support.hostile.case import DEEP, DIGITS, FOLDER, Case, nested

NUMBERS = {
    "infinite": ("inf", "-inf", '"inf"', '"Infinity"', "1e400", '"1e400"', '"-1e400 "'),
    "not a number": ("nan", "-nan", '"nan"', '"NaN GB"', '""', '"   "', '"GB"', '"0x10"', '"1e"',
                     '"--5"', '"5;6"', '"five"', '"1.2.3"', '"1e5.5"'),
    "huge exponent": ('"1e999999999"', '"1e999999999 GB"', '"1e-999999999"', '"-1e999999999"',
                      '"1E+999999999999999999999"', '"0.1e-99999999 B"'),
    "huge integer": ("9" * DIGITS, "-" + "9" * DIGITS, "0x" + "f" * DIGITS,
                     '"' + "9" * DIGITS + '"', '"0.' + "0" * DIGITS + '1"',
                     '"' + "9" * DIGITS + ' GB"'),
    "boolean": ("true", "false", '"true"'),
    "table or list": ("{}", "{ a = 1 }", "[]", "[[1]]", "[true]", '["x"]', "[{}]", "[nan]", "[inf]",
                      nested(60)),
    "date": ("1979-05-27", "07:32:00", "1979-05-27T07:32:00Z", "[1979-05-27]"),
    "foreign digits": ('"\uff11\uff12"', '"\u0661\u0662\u0663"', '"\u0967\u0968"', '"1\uff12"', '"1\u2009000"', '"1\u00a0000"',
                       '"\u00b2"', '"\U0001d7d9\U0001d7da"'),
    "separators": ('"1__0"', '"1_"', '"12,34"', '"1,5 GB"', '"1,,000"', '"1 000"', '"1\'000"'),
    "control characters": ('"5\\u0000"', '"5\\u001b[31m"', '"5\\n6"', '"\\u0007"'),
    "unit": ('"1 parsec"', '"1 GB GB"', '"5 %"', '"1 gb"', '"5 \u20ac"'),
}  # fmt: skip
"""By kind, values in TOML that no number of a problem file is."""
SIGNS = ("-5", '"-5"', "-0.5", "0", "-0.0")
"""What is no positive number."""
LONG = {"nesting": (nested(DEEP), '{ a = ' * 500 + "1" + " }" * 500),
        "huge exponent": ("1e999999999 GB",)}  # fmt: skip

SPACE_KEYS = ("layers", "d_model", "vocab_size", "head_dim", "heads", "kv_heads", "kv_group",
              "d_ff", "ffn_ratio", "ffn_multiple", "aspect_ratio")  # fmt: skip
COUNT_KEYS = (
    "training.sequence_length", "training.accelerators", "training.microbatch_size",
    "training.interleave", "serving.batch_size", "serving.tensor_parallel", "serving.prompts",
    "serving.context_length", "serving.weight_block",
)  # fmt: skip
NUMBER_KEYS = (
    "training.mfu", "training.unique_tokens", "training.price_per_hour", "training.watts",
    "training.pue", "training.zero_stage", "training.weight_bytes",
    "serving.kv_bytes", "serving.weight_bits", "serving.scale_bytes",
    "serving.memory_utilization", "serving.prefill_efficiency",
    "lifetime.inference_tokens", "lifetime.prefill_mfu", "lifetime.price_per_hour",
    "training.custom_accelerator.memory", "serving.custom_accelerator.bandwidth",
    "serving.custom_accelerator.bf16_flops", "laws.own.E", "laws.own.alpha", "laws.own.outer",
)  # fmt: skip
MENU_KEYS = ("training.data_parallel", "training.tensor_parallel", "training.pipeline_parallel")
LIMIT_KEYS = (
    "training.tokens", "budgets.training_flops", "budgets.serving_memory", "budgets.parameters",
    "budgets.tokens", "budgets.loss", "budgets.kv_cache", "budgets.decode_latency",
    "budgets.training_cost",
)  # fmt: skip
TEXT_KEYS = ("name", "objective.law", "objective.shape", "objective.minimize", "objective.maximize",
             "training.flops", "training.accelerator", "training.recompute", "serving.kv_policy",
             "serving.engine", "serving.latency", "space.block")  # fmt: skip
FLAG_KEYS = ("training.flash_attention", "training.dropout", "space.tied_embeddings")
NO_TEXT = ("5", "1.5", "true", "{}", "1979-05-27", '["a"]', "[[]]", "nan", "9" * DIGITS)
NO_FLAG = ("5", "1", "0", '"yes"', '"true"', "{}", "1979-05-27", "nan", '["true"]', "[1]")
_MAY_BE_ZERO = ("serving.memory_reserve", "serving.overhead", "lifetime.prefill_share",
                "training.logit_bytes", "laws.own.E", "training.zero_stage")  # fmt: skip


# Problem files


_BASE: dict[str, dict[str, str]] = {
    "": {"name": '"small"'},
    "space": {"layers": "{ min = 2, max = 6 }", "d_model": "[256, 512]", "vocab_size": "32000"},
    "budgets": {"training_flops": "1e20"},
}
_LAW = {"E": "1.7", "A": "480", "alpha": "0.35", "B": "2000", "beta": "0.37"}
_PAIRS = (("heads", "head_dim"), ("kv_heads", "kv_group"), ("d_ff", "ffn_ratio"))
FILE = f"{FOLDER}/problem.toml"


def problem_text(settings: dict[str, str] | None = None) -> str:
    """A small problem in TOML, with values under dotted keys."""
    tables = {name: dict(content) for name, content in _BASE.items()}
    for key, value in (settings or {}).items():
        table, _, name = key.rpartition(".")
        if table.startswith("laws."):
            tables.setdefault(table, dict(_LAW))
        tables.setdefault(table, {})[name] = value
    lines = [f"{name} = {value}" for name, value in tables.pop("").items()]
    for table, content in tables.items():
        lines += [f"[{table}]"] * bool(table)
        lines += [f"{name} = {value}" for name, value in content.items()]
    return "\n".join(lines) + "\n"


def _in_problem(kind: str, key: str, value: str, words: tuple[str, ...]) -> Iterator[Case]:
    """A value in the file, and the same by --set."""
    text = problem_text({key: value}).encode()
    shown = value if len(value) < 30 else f"{value[:20]}..."
    if key.startswith("laws."):
        words = (key.rpartition(".")[2],)
    yield Case(kind, f"{key} = {shown}", ("check", FILE), {"problem.toml": text}, words=words)
    if not key.startswith("laws."):  # one value alone makes no law
        base = {"problem.toml": problem_text().encode()}
        args = ("check", FILE, "--set", f"{key}={value}")
        yield Case(kind, f"--set {key}={shown}", args, base, words=words)


def numbers_in_problems() -> Iterator[Case]:
    """Every kind of bad number under every kind of key."""
    turn = count()
    space = tuple(f"space.{name}" for name in SPACE_KEYS)
    for key in (*space, *COUNT_KEYS, *NUMBER_KEYS, *MENU_KEYS, *LIMIT_KEYS):
        for kind, values in NUMBERS.items():
            for _ in range(2):  # the values of a kind in turn, so that each meets many keys
                yield from _in_problem(kind, key, values[next(turn) % len(values)], (key,))
        if key not in _MAY_BE_ZERO:
            for value in SIGNS:
                if not (key.startswith("laws.") and value in ("-5", '"-5"', "-0.5")):
                    yield from _in_problem("sign", key, value, (key,))
    for key in COUNT_KEYS:
        for value in ("1.5", '"1.5"', "1e30", '"1e30"', "9223372036854775808"):
            yield from _in_problem("size", key, value, (key,))
    for key in space[:3]:
        for value in ("1.5", "[4, 1.5]", "1e30", "[4, 1e30]", "{ min = 1, max = 1e30 }",
                      "{ min = 5, max = 2 }", "{ min = 1, max = 2, step = 0 }",
                      "{ min = 1, max = 2000000000, step = 1 }", "{ min = nan, max = 4 }"):  # fmt: skip
            yield from _in_problem("size", key, value, (key,))


def words_in_problems() -> Iterator[Case]:
    """Numbers, tables and dates where text or a boolean stands."""
    for key in TEXT_KEYS:
        for value in NO_TEXT:
            yield from _in_problem("no text", key, value, (key,))
    for key in TEXT_KEYS[1:]:
        for value in ('"__class__"', '"\\u0000"', '"' + "x" * 100_000 + '"', '""', '"\\u001b[2J"'):
            if not (value == '""' and key in ("objective.minimize", "objective.maximize")):
                yield from _in_problem("no such word", key, value, (key,))
    for key in FLAG_KEYS:
        for value in NO_FLAG:
            yield from _in_problem("no boolean", key, value, (key,))


def tables_in_problems() -> Iterator[Case]:
    """Whole tables and keys that there are not."""
    for table in ("space", "training", "serving", "lifetime", "budgets", "objective", "laws",
                  "scenarios"):  # fmt: skip
        for value in ("5", '"x"', "[1]", "true", "1979-05-27", "nan"):
            files = {"problem.toml": f"{table} = {value}\n{_without(table)}".encode()}
            yield Case("no table", f"{table} = {value}", ("check", FILE), files, words=(table,))
            base = {"problem.toml": problem_text().encode()}
            args = ("check", FILE, "--set", f"{table}={value}")
            yield Case("no table", f"--set {table}={value}", args, base, words=(table,))
    for key in ("__class__", "space.__class__", "space.__init__.__globals__", "space.model_config",
                '""', 'space.""', "space.'a.b'", "budgets.__dict__", '"\\u0000"', "space.layers.x",
                "objective.law.x", "budgets.training_flops.x", "nothing", "scenarios.a.scenarios",
                "scenarios.a.scenarios.b.budgets", "scenarios.a.nothing.x",
                "laws.own.nothing"):  # fmt: skip
        text = problem_text() + f"\n[extra]\n{key}.z = 1\n"
        yield Case("no such key", f"[extra] {key}", ("check", FILE),
                   {"problem.toml": text.encode()}, words=("extra",))  # fmt: skip
        base = {"problem.toml": problem_text().encode()}
        for setting in (f"{key}=1", f"{key}.z=1"):
            args = ("check", FILE, "--set", setting)
            yield Case("no such key", f"--set {setting}", args, base)
    base = {"problem.toml": problem_text().encode()}
    for setting in ("", "=", "=5", "space.layers", "space.layers=", ".=1", "..=1", "a..b=1",
                    "space.=1", ".space=1", " = ", "space.layers=4\nspace.d_model=256",
                    "space.layers=4\n", "name=x\ny=2", 'name="x"\ny=2', "space.layers=4 # 5",
                    "space.layers=4\r\n5", "space.layers=4\x00", "name=\x00", "space.layers=4\x0b5",
                    "space\x00.layers=4", "name=\x1b[31m", "name=\udcff", "spa\u0441e.layers=4",
                    "space.layers=4, 5", "space.layers=" + nested(DEEP),
                    ".".join(["a"] * DEEP) + "=1", ".".join(["space"] * DEEP) + "=1",
                    "scenarios." + ".".join(["a"] * DEEP) + "=1",
                    "budgets.training_flops." + ".".join(["a"] * DEEP) + "=1",
                    "x" * 50_000 + "=1"):  # fmt: skip
        shown = setting if len(setting) < 40 else f"{setting[:30]}..."
        args = ("check", FILE, "--set", setting)
        yield Case("setting", f"--set {shown!r}", args, base, words=("error",))
    for key in ("budgets.nothing", "", "budgets", "budgets.", "space.layers", "\x00", "__class__",
                ".".join(["a"] * DEEP)):  # fmt: skip
        args = ("solve", FILE, "--without", key)
        yield Case("setting", f"--without {key[:30]!r}", args, base, words=("limit",))


def _without(table: str) -> str:
    lines: list[str] = []
    skip = False
    for line in problem_text().splitlines():
        skip = line == f"[{table}]" if line.startswith("[") else skip
        if not skip:
            lines.append(line)
    return "\n".join(lines) + "\n"


def scenarios_in_problems() -> Iterator[Case]:
    """Scenarios with contents of any kind."""
    for value in ("5", '"x"', "[1]", "true", "{ scenarios = 1 }", "{ nothing = 5 }",
                  "{ budgets = 5 }", "{ budgets = { training_flops = nan } }",
                  "{ scenarios = { b = { budgets = { training_flops = 1e21 } } } }",
                  "{ space = { layers = 0 } }", "{ a = { b = { c = { d = { e = 1 } } } } }",
                  "{ budgets = { training_flops = " + "9" * DIGITS + " } }",
                  "{ budgets = { training_flops = " + nested(60) + " } }"):  # fmt: skip
        text = problem_text() + f"\n[scenarios]\na = {value}\n"
        yield Case("scenario", f"scenarios.a = {value[:40]}", ("check", FILE),
                   {"problem.toml": text.encode()}, words=("scenarios",))  # fmt: skip
    base = {"problem.toml": problem_text().encode()}
    for text in ("", "a", "a:", ":", "a: x", "a: =", "base: budgets.training_flops=1e21",
                 "a: scenarios.b.budgets.training_flops=1e21", "a: space.layers=4\nspace.d_model=5",
                 "a: budgets.training_flops=1e999999999", "a: budgets.training_flops=" + nested(500),
                 "a: scenarios=5", "a: nothing=1", "a: budgets.training_flops=\uff11\uff12"):  # fmt: skip
        args = ("whatif", FILE, "--scenario", text)
        yield Case("scenario", f"--scenario {text[:40]!r}", args, base, words=("error",))
