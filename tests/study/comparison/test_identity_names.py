"""Names are short, and never the same for two."""

from __future__ import annotations

import itertools

from robustft.study.comparison.identity_names import Named, setting_names, strategy_names


def named(key: str, name: str = "lora", **settings: object) -> Named:
    return Named(key=key, name=name, settings={place.replace("__", "."): value for place, value in settings.items()})


def test_one_of_a_name_has_nothing_behind_it() -> None:
    assert setting_names([named("a", "digits", eps_255=8), named("b", "cifar10", eps_255=1)]) == {
        "a": "digits",
        "b": "cifar10",
    }
    assert strategy_names([[named("a", method__rank=4), named("b", "full", method__rank=8)]]) == {
        "a": "lora",
        "b": "full",
    }


def test_a_setting_has_no_more_behind_it_than_tells_it_apart() -> None:
    settings = [
        named("a", "digits", norm="linf", eps_255=8, images=450),
        named("b", "digits", norm="linf", eps_255=4, images=100),
        named("c", "digits", norm="l2", eps_255=127.5, images=450),
    ]
    assert setting_names(settings) == {
        "a": "digits norm=linf eps_255=8",
        "b": "digits norm=linf eps_255=4",
        "c": "digits norm=l2",
    }


def test_a_strategy_has_all_behind_it_that_differs_by_as_few_words_as_do() -> None:
    strategies = [
        named("a", method__rank=4, trainer__decay=0, method__decay=1, objective___target_="robustft.Trades"),
        named("b", method__rank=8, trainer__decay=1, method__decay=2),
    ]
    assert strategy_names([strategies]) == {
        "a": "lora rank=4 trainer.decay=0 method.decay=1 objective=Trades",
        "b": "lora rank=8 trainer.decay=1 method.decay=2",
    }


def test_where_too_much_differs_a_hash_stands_for_the_rest_and_the_same_one_everywhere() -> None:
    def many(key: str, value: int, epochs: int) -> Named:
        return named(key, **{f"method__setting_number_{index}": value for index in range(9)}, trainer__epochs=epochs)

    names = strategy_names([[many("a", 1, 5), many("b", 2, 5)], [many("c", 1, 20)]])

    assert names["a"] == names["c"] != names["b"]
    assert all(len(name) <= 60 and name.startswith("lora setting_number_0=") for name in names.values())


def test_names_differ_whatever_the_values_look_like() -> None:
    values = (1, 1.5, "1", "1.5", True, "true", None, "null", "", [1], "[1]", "x" * 100, "x" * 99, "\x1b", "\\x1b")
    settings = [named(f"{index:016x}"[::-1], method__rank=value) for index, value in enumerate(values)]
    settings += [named("lack"), named("other", "lora rank=1")]

    for names in (setting_names(settings), strategy_names([settings])):
        assert len(set(names.values())) == len(settings), names
        assert all(name.isprintable() for name in names.values())


def test_the_order_of_runs_changes_no_name() -> None:
    settings = [named(str(rank), method__rank=rank, trainer__epochs=rank % 2) for rank in range(4)]
    expected = strategy_names([settings])
    for order in itertools.permutations(settings):
        assert strategy_names([order]) == expected
        assert setting_names(order) == setting_names(settings)
