# Two stages: wheels are installed where pip is, the running image has neither pip cache nor build tools.
FROM python:3.11-slim-bookworm AS build
WORKDIR /build
COPY requirements.lock pyproject.toml README.md ./
RUN python -m venv /opt/lianpei && /opt/lianpei/bin/python -m pip install --no-cache-dir --require-hashes --only-binary :all: -r requirements.lock
COPY gateway gateway
RUN cp -r gateway "$(/opt/lianpei/bin/python -c 'import site; print(site.getsitepackages()[0])')/gateway"

FROM python:3.11-slim-bookworm
RUN useradd --system --uid 10001 --home-dir /var/lib/lianpei --create-home lianpei
COPY --from=build /opt/lianpei /opt/lianpei
COPY mappings /opt/share/mappings
COPY schemas /opt/share/schemas
USER 10001
WORKDIR /var/lib/lianpei
VOLUME /var/lib/lianpei
ENV PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 PATH=/opt/lianpei/bin:$PATH LIANPEI_CONFIG=/etc/lianpei/lianpei.toml
EXPOSE 8443 8444 9464
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s \
  CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:9464/healthz', timeout=2)"]
ENTRYPOINT ["python", "-m", "gateway"]
CMD ["gateway"]
