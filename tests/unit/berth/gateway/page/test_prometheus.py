"""Numbers out of Prometheus' text format."""

from berth.gateway.page.prometheus import read_buckets, read_sums

TEXT = """# HELP berth_request_seconds a batch's time
# TYPE berth_request_seconds histogram
berth_request_seconds_bucket{model_name="bert",model_version="1.0",le="0.005",} 3.0
berth_request_seconds_bucket{model_name="bert",model_version="1.0",le="+Inf",} 9.0
berth_request_seconds_bucket{model_name="bert",model_version="1.0",le="0.01",} 7.0
berth_request_seconds_bucket{model_name="other",model_version="1.0",le="+Inf",} 1.0
berth_request_seconds_sum{model_name="bert",model_version="1.0",} 0.2
berth_front_requests{model_name="bert",priority="normal"} 2
berth_front_requests{model_name="bert",priority="low"} 1
berth_front_connections 5
"""


def test_a_histograms_buckets_are_by_model_and_in_order() -> None:
    assert read_buckets(TEXT, "berth_request_seconds") == {
        "bert": [("0.005", 3.0), ("0.01", 7.0), ("+Inf", 9.0)],
        "other": [("+Inf", 1.0)],
    }


def test_samples_are_added_up_over_other_labels() -> None:
    assert read_sums(TEXT, "berth_front_requests") == {"bert": 3.0}
    assert read_sums(TEXT, "berth_front_connections") == {}
