# Two stages: wheels are installed where pip is; the running image has no pip, no build tools, no simulators and no tests.
ARG BASE=docker.io/library/python:3.11-slim-bookworm
FROM ${BASE} AS build
WORKDIR /build
RUN python -m venv --without-pip /opt/lianpei
COPY requirements.lock .
# A mirror is told in a pip.conf, its certificate in a file beside it; neither stays in the image (docs/deploy.md).
RUN --mount=type=secret,id=pip,target=/etc/pip.conf --mount=type=secret,id=ca \
  python -m pip --python /opt/lianpei/bin/python install --no-cache-dir --require-hashes --only-binary :all: -r requirements.lock
COPY pyproject.toml scripts/install-image ./
COPY gateway gateway
RUN /opt/lianpei/bin/python install-image

FROM ${BASE}
RUN python -m pip uninstall --quiet --yes --root-user-action=ignore pip setuptools wheel \
  && rm -rf /usr/local/lib/python3.11/ensurepip \
  && groupadd --gid 10001 lianpei \
  && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /var/lib/lianpei --shell /usr/sbin/nologin lianpei \
  && install -d -o 10001 -g 10001 -m 0700 /var/lib/lianpei
COPY --from=build /opt/lianpei /opt/lianpei
COPY mappings /opt/share/mappings
COPY schemas /opt/share/schemas
USER 10001:10001
WORKDIR /var/lib/lianpei
VOLUME /var/lib/lianpei
ENV PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 PATH=/opt/lianpei/bin:$PATH LIANPEI_CONFIG=/etc/lianpei/lianpei.toml
EXPOSE 8443 8444 8543 9464
# For `gateway`; a payment container overrides it (deploy/compose.yaml). A proxy that the environment names is not asked.
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s \
  CMD ["python", "-c", "import urllib.request as u; u.build_opener(u.ProxyHandler({})).open('http://127.0.0.1:9464/healthz', timeout=2)"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["lianpei"]
CMD ["gateway"]
