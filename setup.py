"""Adds two files to the package: TorchServe's gRPC services and its settings.

berth/clients/torchserve.binpb is compiled from the .proto files in the installed torchserve. config.properties is
copied into what is built; an editable install reads the one file that there is.

Everything else about the package is in setup.cfg.
"""

import importlib.util
import shutil
import tempfile
import zipfile
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

PROTO_FILES = ("inference.proto", "management.proto", "open_inference_grpc.proto")
CONFIG = "config.properties"
DESCRIPTOR_SET = Path(__file__).resolve().parent / "berth" / "clients" / "torchserve.binpb"


class BuildBerth(build_py):
    """Compiles the services before the build. Editable installs run it too, and read the file in the source tree."""

    editable_mode: bool

    def run(self) -> None:
        """Build; SystemExit, because in an editable install setuptools turns a command's Exception into a warning."""
        spec = importlib.util.find_spec("ts")  # found, not imported: importing takes seconds and leaves a file open
        jar = Path(spec.origin).with_name("frontend") / "model-server.jar" if spec and spec.origin else None
        if not jar or not jar.is_file():
            raise SystemExit("building berth needs torchserve, whose jar has the .proto files: pip install torchserve")
        compile_services(jar)
        # A module that is gone since the last build still lies there. No other folder that --build-lib names is ours.
        if not self.editable_mode and Path(self.build_lib).parent.name == "build":
            shutil.rmtree(self.build_lib, ignore_errors=True)
        super().run()
        if not self.editable_mode:
            self.copy_file(CONFIG, str(Path(self.build_lib, "berth", CONFIG)))

    def get_source_files(self) -> list[str]:
        """What a source distribution needs for it."""
        return [*super().get_source_files(), CONFIG]


def compile_services(jar: Path) -> None:
    """Write the services, and all that they import, as one FileDescriptorSet."""
    try:
        from grpc_tools import protoc  # noqa: PLC0415 - metadata can be built without it
    except ImportError as error:
        raise SystemExit(f"building berth needs grpcio-tools ({error}): pip install grpcio-tools") from error
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(jar) as archive:
        archive.extractall(folder, [name for name in archive.namelist() if name.endswith(".proto")])
        if protoc.main(
            ["protoc", f"-I{folder}", "--include_imports", f"--descriptor_set_out={DESCRIPTOR_SET}", *PROTO_FILES]
        ):
            raise SystemExit(f"protoc could not compile {', '.join(PROTO_FILES)} of {jar}: its messages are above")


setup(cmdclass={"build_py": BuildBerth})
