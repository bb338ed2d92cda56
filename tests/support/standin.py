"""Real archives with a handler of a few lines: the launcher's tests need no model, and loading takes no time."""

import json
from pathlib import Path

from berth.archive.content import ArchivePlan, Member
from berth.archive.write import write_archive

# Answers the deep check as the real one does, and any other request with facts about the worker.
ANSWERS = '''
import json, os, sys

class BertHandler:
    def initialize(self, context):
        """Nothing to load."""

    def handle(self, data, context):
        facts = {"status": "ok", "file": __file__, "environment": dict(os.environ), "path": sys.path}
        return [json.dumps({"status": "ok"} if fields.get("body") == b"" else facts) for fields in data]
'''
NEVER_LOADS = ANSWERS.replace('"""Nothing to load."""', "import threading; threading.Event().wait()")
RAISES = ANSWERS.replace('"""Nothing to load."""', 'raise ValueError("the known answers differ")')
RAISES_RUNTIME_ERROR = RAISES.replace("ValueError", "RuntimeError")
DOES_NOT_IMPORT = "import a_module_that_is_nowhere\n" + ANSWERS
IS_KILLED = ANSWERS.replace('"""Nothing to load."""', "os.kill(os.getpid(), 9)")
FAULTY = Path(__file__).with_name("faulty_handler.py").read_text(encoding="utf-8")
CANNOT_PREDICT = ANSWERS.replace("facts = ", 'raise ValueError("no prediction"); facts = ')

CONFIG = "batchSize: {}\nmaxBatchDelay: 1\nresponseTimeout: 30\nstartupTimeout: 60\nmaxRetryTimeoutInSec: 30\n"


def make_standin(
    folder: Path, source: str = ANSWERS, name: str = "bert", version: str = "1.0", batch_size: int = 8
) -> Path:
    """NAME.mar in `folder`, with `source` as its handler."""
    model = {
        "modelName": name,
        "modelVersion": version,
        "handler": "handler.bert_handler",
        "configFile": "model-config.yaml",
    }
    manifest = {"runtime": "python", "model": model, "archiverVersion": "0.12.0"}
    members = {
        "MAR-INF/MANIFEST.json": json.dumps(manifest).encode(),
        "handler/__init__.py": b"",
        "handler/bert_handler.py": source.encode(),
        "model-config.yaml": CONFIG.format(batch_size).encode(),
    }
    folder.mkdir(parents=True, exist_ok=True)
    archive = folder / f"{name}.mar"
    plan = ArchivePlan(members=tuple(Member(name=path, source=data) for path, data in members.items()))
    write_archive(plan, archive)
    return archive
