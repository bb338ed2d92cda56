"""Builds berth/clients/torchserve.binpb: TorchServe's gRPC services, from the .proto files in the installed torchserve.

Everything else about the package stands in setup.cfg.
"""

import importlib.util
import tempfile
import zipfile
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

SERVICES = ("inference.proto", "management.proto", "open_inference_grpc.proto")
OUTPUT = Path(__file__).resolve().parent / "berth" / "clients" / "torchserve.binpb"


class BuildWithServices(build_py):
    """Editable installs run this too, and then read the file where it is written: in the source tree."""

    def run(self) -> None:
        """SystemExit, for in an editable install setuptools turns every Exception of a command into a warning."""
        spec = importlib.util.find_spec("ts")  # not imported: that takes seconds and leaves a file open
        jar = Path(spec.origin).with_name("frontend") / "model-server.jar" if spec and spec.origin else None
        if not jar or not jar.is_file():
            raise SystemExit("building berth needs torchserve, whose jar has the .proto files: pip install torchserve")
        compile_services(jar)
        super().run()


def compile_services(jar: Path) -> None:
    """Write one FileDescriptorSet with all that the services import."""
    try:
        from grpc_tools import protoc  # noqa: PLC0415 - metadata can be built without it
    except ImportError as error:
        raise SystemExit(f"building berth needs grpcio-tools ({error}): pip install grpcio-tools") from error
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(jar) as archive:
        archive.extractall(folder, [name for name in archive.namelist() if name.endswith(".proto")])
        if protoc.main(["protoc", f"-I{folder}", "--include_imports", f"--descriptor_set_out={OUTPUT}", *SERVICES]):
            raise SystemExit(f"protoc could not compile {', '.join(SERVICES)} of {jar}: its own words stand above")


setup(cmdclass={"build_py": BuildWithServices})
