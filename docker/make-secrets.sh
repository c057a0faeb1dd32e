#!/bin/sh
# Makes what compose.yaml needs beside this file, once: secrets/ (every password and key, drawn at random, readable by
# you alone), .env (what Compose itself reads), local.env (your own settings) and sites/ (your own site files). What is
# there already stays as it is; a second call changes nothing.
#
#     docker/make-secrets.sh
#
# Each service gets the one file that is meant for it:
#
#     postgres.env   the database's password                       PostgreSQL
#     redis.env      the queue's password                          Redis
#     store.env      the owner's key of the archive, and the keys  SeaweedFS
#                    with which SeaweedFS's parts trust each other
#     airflow.env    what Airflow's processes need of these, and   Airflow
#                    the keys that encrypt and sign for them
#     login.env      who may log in to Airflow's pages             the API server
set -eu
umask 077
cd "$(dirname "$0")"

# 32 random bytes as 43 letters that no file format, shell or address has to quote.
draw() {
    head -c "${1:-32}" /dev/urandom | base64 | tr -d '=\n' | tr '+/' '-_'
}

if [ ! -e .env ]; then
    cat >.env <<END
# What Compose reads for compose.yaml itself; see the \${...} in it.
COMPOSE_PROJECT_NAME=muniment
# MUNIMENT_PORT=8080
# MUNIMENT_TASKS_PER_WORKER=4
# MUNIMENT_WORKER_MEMORY=4g
# MUNIMENT_LOG_DAYS=30
END
fi
if [ ! -e local.env ]; then
    cat >local.env <<END
# Your own settings for all processes of Muniment and Airflow; they win over muniment.env. docs/operators.md lists them.
# Web page or e-mail address where a site's owner reaches you; without it a crawl of the live web refuses to start.
MUNIMENT_CONTACT=
END
fi
# Read by the containers' user, so not for you alone.
[ -d sites ] || (umask 022 && mkdir sites)

if [ -d secrets ]; then
    echo "docker/secrets is there already; nothing was changed."
    exit 0
fi
rm -rf secrets.new
mkdir secrets.new
database=$(draw) queue=$(draw) access="muniment$(head -c 6 /dev/urandom | od -An -tx1 | tr -d ' \n')" key=$(draw)
echo "POSTGRES_PASSWORD=$database" >secrets.new/postgres.env
echo "REDIS_PASSWORD=$queue" >secrets.new/redis.env
cat >secrets.new/store.env <<END
AWS_ACCESS_KEY_ID=$access
AWS_SECRET_ACCESS_KEY=$key
WEED_JWT_SIGNING_KEY=$(draw)
WEED_JWT_SIGNING_READ_KEY=$(draw)
WEED_JWT_FILER_SIGNING_KEY=$(draw)
WEED_JWT_FILER_SIGNING_READ_KEY=$(draw)
END
# Fernet wants 32 bytes in base64 with its padding; the key of the tokens must be 64 bytes or longer.
cat >secrets.new/airflow.env <<END
AIRFLOW__DATABASE__SQL_ALCHEMY_CONN=postgresql+psycopg2://airflow:$database@postgres:5432/airflow
AIRFLOW__CELERY__RESULT_BACKEND=db+postgresql://airflow:$database@postgres:5432/airflow
AIRFLOW__CELERY__BROKER_URL=redis://:$queue@redis:6379/0
AIRFLOW__CORE__FERNET_KEY=$(draw)=
AIRFLOW__API_AUTH__JWT_SECRET=$(draw 66)
AIRFLOW__API__SECRET_KEY=$(draw)
AWS_ACCESS_KEY_ID=$access
AWS_SECRET_ACCESS_KEY=$key
END
echo "AIRFLOW_PASSWORDS={\"admin\":\"$(draw 15)\",\"viewer\":\"$(draw 15)\"}" >secrets.new/login.env
# All or nothing: a half-made folder is never taken for a whole one.
mv secrets.new secrets
echo "Made docker/secrets. Copy it to a safe place: a backup without it cannot be read by a new installation."
echo "The passwords of Airflow's pages (users admin and viewer) are in docker/secrets/login.env."
