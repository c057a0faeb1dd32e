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

# A worker that is only starting loses the signal to end (Airflow 3.3.2), and would be waited for in vain.
wait_until_started() {
    tries=150
    while compose exec -T "$1" true >/dev/null 2>&1 && ! compose exec -T "$1" healthy.py worker >/dev/null 2>&1; do
        tries=$((tries - 1))
        [ $tries -gt 0 ] || { echo "$1 runs, and is not well: look at its log first. Nothing was stopped." >&2; exit 1; }
        sleep 2
    done
}
wait_until_started worker-1
wait_until_started worker-2

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
