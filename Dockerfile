# The image of one service, or of the command:
#   docker build --build-arg SERVICE=risk --tag tradewire/risk .
# SERVICE: ingest, indicator, strategy, risk, execution, telemetry, or tradewire for the command. `make images` builds all.
ARG PYTHON_IMAGE=python:3.11-slim-bookworm

# Wheels of our own distributions. The same for every image, so it is built once.
FROM ${PYTHON_IMAGE} AS wheels
# 1980-01-01: the oldest time that a wheel can hold. Files made at build time are of it, so that two builds are alike (but
# for the machine code in the command's image).
ENV SOURCE_DATE_EPOCH=315532800
WORKDIR /source
COPY requirements/images/build.txt requirements/images/build.txt
RUN python -m venv /build \
 && /build/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes -r requirements/images/build.txt
COPY . .
# Node trusts the authorities that the base image trusts, beside its own.
ENV NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt
RUN /build/bin/python apps/tradewire/web/build.py
RUN for folder in libs/* services/* apps/*; do \
      (cd "$folder" && /build/bin/python -m hatchling build --target wheel --directory /wheels) || exit 1; \
    done

# One virtual environment: what the service declares, from the hash-locked requirements, then its own wheels, which pip
# takes only when the requirements fulfil what they declare. The command's image gets the machine code of research, too:
# a container that is thrown away would compile for its first backtest each time.
FROM ${PYTHON_IMAGE} AS packages
ARG SERVICE
ENV SOURCE_DATE_EPOCH=315532800 PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_COMPILE=1
COPY requirements/images/${SERVICE}.txt /requirements.txt
RUN home=/image/opt/tradewire \
 && python -m venv --without-pip "$home" \
 && pip --python "$home/bin/python" install --require-hashes -r /requirements.txt \
 && python -m compileall -q -j 0 --invalidation-mode unchecked-hash -s /image -p / "$home/lib"
COPY --from=wheels /wheels /wheels
RUN case "$SERVICE" in tradewire) name=tradewire ;; *) name="tradewire-$SERVICE" ;; esac \
 && home=/image/opt/tradewire \
 && pip --quiet --python "$home/bin/python" install --no-index --find-links /wheels "$name" \
 && python -m compileall -q -j 0 --invalidation-mode unchecked-hash -s /image -p / \
      "$home"/lib/python3.*/site-packages/tradewire \
 && { [ "$SERVICE" != tradewire ] || "$home/bin/python" -m tradewire.backtest.ahead; } \
 && ln -s "$name" "$home/bin/start" \
 && find "$home/bin" -type f -exec sed -i '1s|^#!/image/|#!/|' {} + \
 && sed -i 's|/image/|/|g' "$home/pyvenv.cfg" \
 && find /image -exec touch --no-dereference --date="@$SOURCE_DATE_EPOCH" {} +

FROM ${PYTHON_IMAGE}
ARG SERVICE
ARG VERSION=0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="tradewire ${SERVICE}" \
      org.opencontainers.image.description="tradewire: event-driven quant trading on Kafka" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY --from=packages /image/ /
# /tmp is the one folder that is written to: mount a tmpfs there and the rest of the image may be read-only.
ENV PATH=/opt/tradewire/bin:/usr/local/bin:/usr/bin:/bin \
    PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    HOME=/tmp NUMBA_CACHE_DIR=/tmp/numba \
    TRADEWIRE_HTTP_HOST=0.0.0.0 TRADEWIRE_HTTP_PORT=8080 \
    TRADEWIRE_REVISION=${REVISION}
USER 10001:10001
WORKDIR /tmp
EXPOSE 8080
HEALTHCHECK --interval=5s --timeout=10s --start-period=60s --retries=6 CMD ["python", "-m", "tradewire.runtime.probe"]
ENTRYPOINT ["start"]
