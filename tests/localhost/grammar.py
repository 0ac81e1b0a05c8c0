"""Small programs that run twice: as an orchestration, and as plain Python.

A program is JSON, so that it can be the input of the one orchestrator that runs them
all. Whatever the engine goes through in between, both runs must give the same result.
"""

# Orchestrators are written here as users write them, and the SDK raises plain Exception.
# ruff: noqa: BLE001

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import azure.durable_functions as df
from hypothesis import strategies as st

Program = list[list[Any]]

_number = st.integers(0, 99)

# Each step is ``[verb, argument]``.
_simple = st.one_of(
    st.tuples(st.just("call"), _number),
    st.tuples(st.just("fail"), _number),
    st.tuples(st.just("sleep"), st.integers(1, 9)),
    st.tuples(st.just("hear"), st.just(0)),
    st.tuples(st.just("all"), st.lists(_number, min_size=1, max_size=4)),
    st.tuples(st.just("any"), st.lists(_number, min_size=2, max_size=3)),
    st.tuples(st.just("retry"), st.integers(0, 3)),
    st.tuples(st.just("race"), _number),
    st.tuples(st.just("count"), st.integers(1, 5)),
    st.tuples(st.just("status"), _number),
)


def programs() -> st.SearchStrategy[Program]:
    """Programs with sub-orchestrations and generations, small enough to run by hundreds."""
    body = st.lists(_simple, min_size=1, max_size=4)
    nested = st.one_of(
        _simple,
        st.tuples(st.just("child"), body),
        st.tuples(st.just("children"), st.lists(body, min_size=2, max_size=2)),
    )
    again = st.tuples(st.just("again"), st.integers(1, 2))
    steps = st.lists(nested, min_size=1, max_size=5)
    return st.tuples(steps, st.lists(again, max_size=1)).map(
        lambda both: [list(step) for step in (*both[0], *both[1])]
    )


def expected(program: Program) -> list[Any]:
    """Return what ``program`` gives, without any engine. Each round of ``again`` repeats all."""
    rounds = 1 + sum(argument for verb, argument in program if verb == "again")
    counted = 0
    results: list[Any] = []
    for _ in range(rounds):
        for verb, argument in program:
            if verb == "count":
                counted += argument
                results.append(counted)
            elif verb != "again":
                results.append(_plain(verb, argument))
    return results


def _plain(verb: str, argument: Any) -> Any:
    answers: dict[str, Callable[[], Any]] = {
        "call": lambda: argument + 1,
        "fail": lambda: "caught",
        "sleep": lambda: "slept",
        "hear": lambda: "heard",
        "all": lambda: [number + 1 for number in argument],
        "any": lambda: "one won",
        "retry": lambda: "gave up" if argument >= 3 else f"after {argument}",
        "race": lambda: argument + 1,
        "status": lambda: argument,
        "child": lambda: expected(argument),
        "children": lambda: [expected(body) for body in argument],
    }
    return answers[verb]()


def interpreter(context: Any) -> Any:
    """Run the program in the input. Its own results travel through continue_as_new."""
    state = context.get_input()
    results = state["results"]
    for place, (verb, argument) in enumerate(state["program"]):
        if verb == "again":
            if state["round"] < argument:
                again = {**state, "round": state["round"] + 1, "results": results}
                context.continue_as_new(again)
                return None
        else:
            key = f"{state['key']}.{state['round']}.{place}"
            results.append((yield from _step(context, verb, argument, key)))
    return results


def _step(context: Any, verb: str, argument: Any, key: str) -> Any:
    return (yield from _STEPS[verb](context, argument, key))


def _call(context: Any, number: int, _key: str) -> Any:
    return (yield context.call_activity("inc", number))


def _fail(context: Any, number: int, _key: str) -> Any:
    try:
        yield context.call_activity("boom", number)
    except Exception:
        return "caught"


def _sleep(context: Any, seconds: int, _key: str) -> Any:
    yield context.create_timer(context.current_utc_datetime + timedelta(seconds=seconds))
    return "slept"


def _hear(context: Any, _nothing: int, key: str) -> Any:
    yield context.wait_for_external_event(key)
    return "heard"


def _all(context: Any, numbers: list[int], _key: str) -> Any:
    return (yield context.task_all([context.call_activity("inc", n) for n in numbers]))


def _any(context: Any, numbers: list[int], _key: str) -> Any:
    winner = yield context.task_any([context.call_activity("inc", n) for n in numbers])
    return "one won" if winner.result - 1 in numbers else winner.result


def _retry(context: Any, failures: int, key: str) -> Any:
    try:
        return (
            yield context.call_activity_with_retry(
                "flaky", df.RetryOptions(500, 3), {"key": key, "failures": failures}
            )
        )
    except Exception:
        return "gave up"


def _race(context: Any, number: int, _key: str) -> Any:
    timer = context.create_timer(context.current_utc_datetime + timedelta(days=1))
    work = context.call_activity("inc", number)
    winner = yield context.task_any([work, timer])
    if winner == work:
        timer.cancel()
        return work.result
    return "late"


def _count(context: Any, number: int, _key: str) -> Any:
    entity = df.EntityId("counter", context.instance_id)
    return (yield context.call_entity(entity, "add", number))


def _status(context: Any, number: int, _key: str) -> Any:
    context.set_custom_status({"at": number})
    return (yield context.call_activity("inc", number - 1))


def _child(context: Any, body: Program, key: str) -> Any:
    return (yield context.call_sub_orchestrator("interpreter", beginning(body, key)))


def _children(context: Any, bodies: list[Program], key: str) -> Any:
    return (
        yield context.task_all(
            [
                context.call_sub_orchestrator("interpreter", beginning(body, f"{key}.{number}"))
                for number, body in enumerate(bodies)
            ]
        )
    )


_STEPS: dict[str, Callable[[Any, Any, str], Any]] = {
    "call": _call,
    "fail": _fail,
    "sleep": _sleep,
    "hear": _hear,
    "all": _all,
    "any": _any,
    "retry": _retry,
    "race": _race,
    "count": _count,
    "status": _status,
    "child": _child,
    "children": _children,
}


def beginning(program: Program, key: str) -> dict[str, Any]:
    """Return the input of the interpreter; ``key`` makes event names unique."""
    return {"program": program, "key": key, "round": 0, "results": []}


def tally(context: Any) -> None:
    """The entity behind ``count``."""
    total = context.get_state(lambda: 0) + context.get_input()
    context.set_state(total)
    context.set_result(total)
