"""Hostile files are held, and the self-test notices when they are not."""

import pytest

from cim.errors import ImportRefused
from importers import canaries, sandbox


@pytest.mark.slow
def test_every_canary_is_held() -> None:
    results = canaries.run_canaries()
    assert len(results) >= 12
    assert [result for result in results if not result.held] == []
    canaries.require_safe_reading()


@pytest.mark.slow
def test_a_sandbox_that_lets_drivers_through_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox, "_SKIPPED_DRIVERS", ("none",))
    results = canaries.run_canaries()
    assert "vector VRT posing as b.kml" in {result.name for result in results if not result.held}
    monkeypatch.setattr(canaries, "self_test", lambda: results)
    with pytest.raises(ImportRefused, match=r"posing as b\.kml"):
        canaries.require_safe_reading()
