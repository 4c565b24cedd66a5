"""Scrape, rules and their tests, as promtool sees them; and the figures that they ask for exist."""

from __future__ import annotations

import re
from pathlib import Path

from prometheus_client import CollectorRegistry

from monitor.metrics import SiteMetrics
from tests.deploy.tools import DEPLOY, ROOT, passes, run

FOLDER = DEPLOY / "prometheus"
RULES, TESTS = FOLDER / "rules.yml", FOLDER / "rules.test.yml"


def test_the_scrape_configuration_is_valid() -> None:
    assert "SUCCESS" in passes("promtool", "check", "config", FOLDER / "prometheus.yml")


def test_the_rules_are_valid() -> None:
    assert "SUCCESS" in passes("promtool", "check", "rules", RULES)


def test_each_rule_fires_and_stays_silent_as_its_test_says() -> None:
    assert "SUCCESS" in passes("promtool", "test", "rules", TESTS)


def test_every_alert_has_a_test_and_a_next_step() -> None:
    rules = RULES.read_text()
    alerts = re.findall(r"alert: (\w+)", rules)
    assert len(alerts) >= 5
    assert len(re.findall("next_step:", rules)) == len(alerts)
    tested = TESTS.read_text()
    assert [alert for alert in alerts if f"alertname: {alert}" not in tested] == []


def test_a_rule_that_asks_for_the_wrong_thing_would_be_noticed(tmp_path: Path) -> None:
    (tmp_path / "rules.yml").write_text(RULES.read_text().replace('state="lost"', 'state="gone"'))
    (tmp_path / TESTS.name).write_text(TESTS.read_text())
    status, output = run("promtool", "test", "rules", tmp_path / TESTS.name)
    assert status != 0
    assert "DiemCauSiteLost" in output


def test_the_figures_that_rules_ask_for_are_made() -> None:
    asked = set(re.findall(r"diemcau_\w+", RULES.read_text()))
    made = {family.name for family in SiteMetrics(CollectorRegistry()).collect()}
    made |= set(re.findall(r'"(diemcau_\w+)"', (ROOT / "signaling" / "metrics.py").read_text()))
    assert asked <= made
