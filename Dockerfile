# One image for every process: `salesos voice`, `salesos crm`, `salesos worker`, `salesos migrate`.
FROM python:3.11-slim

RUN useradd --create-home --uid 10001 salesos && mkdir /data && chown salesos:salesos /data
WORKDIR /app

# Dependencies first: they change seldom, so this layer is kept between builds.
COPY requirements.lock ./
RUN pip install --no-cache-dir --disable-pip-version-check uv \
    && uv pip sync --system --no-cache requirements.lock

COPY pyproject.toml README.md LICENSE ./
COPY agent agent
COPY bench bench
COPY config config
COPY crm crm
COPY events events
COPY media media
COPY salesos salesos
COPY telephony telephony
RUN uv pip install --system --no-cache --no-deps .

USER salesos
ENV SALESOS_DATA_DIR=/data PYTHONUNBUFFERED=1
VOLUME /data
# Python as process 1 gets SIGTERM itself, and drains.
ENTRYPOINT ["salesos"]
CMD ["--help"]
