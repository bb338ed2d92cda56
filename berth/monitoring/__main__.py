"""`python -m berth.monitoring` writes docs/monitoring/ and the rules of k8s/, below the folder where it runs."""

from .written import written

if __name__ == "__main__":
    for path, content in written().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
