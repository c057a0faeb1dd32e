"""What a run costs: how requests to the store are told apart."""

from __future__ import annotations

import pytest

from bench.cost import kind_of_call
from tests.faults import Seen


@pytest.mark.parametrize(
    ("method", "path", "kind"),
    [
        ("GET", "/muniment/runs/s/orders.json", "GET"),
        ("GET", "/muniment?list-type=2&prefix=runs%2Fs%2F&encoding-type=url", "LIST"),
        ("HEAD", "/muniment/warc/s/1.warc.gz", "HEAD"),
        ("PUT", "/muniment/articles/s/0/000001.json", "PUT"),
        ("POST", "/muniment/warc/s/1.warc.gz?uploads", "PUT"),
        ("POST", "/muniment?delete", "DELETE"),
        ("DELETE", "/muniment/tables/articles/part", "DELETE"),
    ],
)
def test_requests_are_told_apart_as_stores_bill_them(method: str, path: str, kind: str) -> None:
    assert kind_of_call(Seen(method=method, path=path, fault=None)) == kind
