"""Numbers out of Prometheus' text format."""

from berth.gateway.page.prometheus import read_buckets, read_sums, read_total

TEXT = """# HELP berth_request_seconds a batch's time
# TYPE berth_request_seconds histogram
berth_request_seconds_bucket{model_name="bert",model_version="1.0",le="0.005",} 3.0
berth_request_seconds_bucket{model_name="bert",model_version="2.0",le="0.005",} 5.0
berth_request_seconds_bucket{model_name="bert",model_version="1.0",le="+Inf",} 9.0
berth_request_seconds_bucket{model_name="bert",model_version="1.0",le="0.01",} 7.0
berth_request_seconds_bucket{model_name="bert",model_version="2.0",le="+Inf",} 6.0
berth_request_seconds_bucket{model_name="other",model_version="1.0",le="+Inf",} 1.0
berth_request_seconds_sum{model_name="bert",model_version="1.0",} 0.2
berth_front_requests{model_name="bert",model_version="1.0",priority="normal"} 2
berth_front_requests{model_name="bert",model_version="1.0",priority="low"} 1
berth_front_requests{model_name="bert",model_version="2.0",priority="low"} 4
berth_memory_used_bytes{part="java"} 300
berth_memory_used_bytes{part="workers"} 20
berth_front_connections 5
"""


def test_a_histograms_buckets_are_of_each_version_and_in_order() -> None:
    assert read_buckets(TEXT, "berth_request_seconds") == {
        "bert/1.0": [("0.005", 3.0), ("0.01", 7.0), ("+Inf", 9.0)],
        "bert/2.0": [("0.005", 5.0), ("+Inf", 6.0)],
        "other/1.0": [("+Inf", 1.0)],
    }


def test_samples_of_a_version_are_added_up_over_other_labels() -> None:
    assert read_sums(TEXT, "berth_front_requests") == {"bert/1.0": 3.0, "bert/2.0": 4.0}
    assert read_sums(TEXT, "berth_front_connections") == {}


def test_all_samples_of_a_metric_are_added_up() -> None:
    assert read_total(TEXT, "berth_memory_used_bytes") == 320
    assert read_total(TEXT, "berth_none") is None
