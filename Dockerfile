# The service on Debian with Python 3.11. Build: docker build -t careplan . ; data lives in /data.
FROM python:3.11-slim-bookworm
WORKDIR /srv/careplan
COPY pyproject.toml constraints.txt README.md ./
COPY careplan careplan
COPY profiles profiles
# The Arabic sheet is set in Amiri; without it that sheet is refused.
RUN apt-get update && apt-get install -y --no-install-recommends fonts-hosny-amiri && rm -rf /var/lib/apt/lists/*
RUN pip install --no-cache-dir -c constraints.txt -e . \
 && useradd --system --home /data --create-home careplan
USER careplan
ENV CAREPLAN_STORE=/data/careplan.db
VOLUME /data
# Until sign-in by OIDC is there, `serve` listens on loopback only: reach it from inside the same network namespace.
ENTRYPOINT ["careplan"]
CMD ["serve"]
