#!/bin/sh
# Writes a backup of compose.yaml's services into a new folder: Airflow's database, the archive, secrets and settings.
#
#     docker/backup.sh FOLDER
#
# Airflow's processes and the store are stopped for it (tasks that run are let end first) and started again after it,
# however it ends: so database and archive are of one moment. The folder holds secrets: keep it as safe as them.
# COMPOSE names the program: "docker compose" (the default) or "docker-compose".
set -eu
umask 077
here=$(cd "$(dirname "$0")" && pwd)
[ $# -eq 1 ] || { echo "Usage: docker/backup.sh FOLDER" >&2; exit 2; }
[ ! -e "$1" ] || { echo "$1 exists already; a backup goes into a new folder." >&2; exit 2; }
mkdir -p "$1"
folder=$(cd "$1" && pwd)
if [ -z "${COMPOSE:-}" ]; then
    if docker compose version >/dev/null 2>&1; then COMPOSE="docker compose"; else COMPOSE=docker-compose; fi
fi

compose() {
    # shellcheck disable=SC2086 # a program and its subcommand
    $COMPOSE --project-directory "$here" --file "$here/compose.yaml" "$@"
}

echo "Stopping Airflow; running tasks may end first."
trap 'echo "Starting again."; compose up --detach --no-build' EXIT
# Whoever starts tasks first, then those who run them; these need the API server until they have ended.
compose stop scheduler dag-processor triggerer
compose stop worker-1 worker-2
compose stop api-server
compose exec -T postgres pg_dump --username=airflow --dbname=airflow --format=custom >"$folder/airflow.dump"
compose stop store
compose run --rm --no-deps -T --entrypoint tar store -C /data -cf - . </dev/null >"$folder/archive.tar"
tar -C "$here" -cf "$folder/settings.tar" .env local.env muniment.env secrets sites
(cd "$folder" && sha256sum airflow.dump archive.tar settings.tar >SHA256SUMS)
echo "Written to $folder:"
(cd "$folder" && du -h airflow.dump archive.tar settings.tar)
