#!/bin/sh
# Brings a backup of backup.sh back, into an installation that holds nothing yet: new machine, same or newer version.
#
#     docker/restore.sh FOLDER
#
# Refuses to write over anything: secrets other than the backup's, a database with tables, an archive with data. Starts
# all services when it is done. COMPOSE names the program: "docker compose" (the default) or "docker-compose".
set -eu
umask 077
here=$(cd "$(dirname "$0")" && pwd)
[ $# -eq 1 ] && [ -d "$1" ] || { echo "Usage: docker/restore.sh FOLDER" >&2; exit 2; }
folder=$(cd "$1" && pwd)
if [ -z "${COMPOSE:-}" ]; then
    if docker compose version >/dev/null 2>&1; then COMPOSE="docker compose"; else COMPOSE=docker-compose; fi
fi

compose() {
    # shellcheck disable=SC2086 # a program and its subcommand
    $COMPOSE --project-directory "$here" --file "$here/compose.yaml" "$@"
}

fail() {
    echo "docker/restore.sh: $1" >&2
    exit 1
}

(cd "$folder" && sha256sum --check --quiet SHA256SUMS) || fail "the backup is damaged or not whole; nothing was changed."

if [ -e "$here/secrets" ]; then
    theirs=$(mktemp -d)
    tar -C "$theirs" -xf "$folder/settings.tar" secrets
    same=0
    diff -r "$theirs/secrets" "$here/secrets" >/dev/null || same=$?
    rm -r "$theirs"
    [ $same -eq 0 ] || fail "docker/secrets holds other secrets than the backup's. Move it away first."
else
    # muniment.env belongs to the version of the code that is here; the backup's is kept beside for comparison.
    tar -C "$here" -xf "$folder/settings.tar" --exclude=muniment.env
fi

compose up --detach --no-build postgres
tries=60
until compose exec -T postgres pg_isready --quiet --host=127.0.0.1 --username=airflow --dbname=airflow; do
    tries=$((tries - 1))
    [ $tries -gt 0 ] || fail "PostgreSQL does not start: $COMPOSE logs postgres"
    sleep 2
done
tables=$(compose exec -T postgres psql --username=airflow --dbname=airflow --no-align --tuples-only \
    --command="SELECT count(*) FROM information_schema.tables WHERE table_schema = 'public'" | tr -d '\r\n')
[ "$tables" = 0 ] || fail "the database holds $tables tables already. Restore into an empty installation."

# shellcheck disable=SC2016 # the container's shell expands it
compose run --rm --no-deps -T --entrypoint sh store -euc '[ -z "$(ls -A /data)" ] || exit 3; tar -C /data -xf -' \
    <"$folder/archive.tar" || fail "the archive's volume holds data already, or could not be written."
compose exec -T postgres pg_restore --username=airflow --dbname=airflow --no-owner --single-transaction \
    --exit-on-error <"$folder/airflow.dump"
compose up --detach --no-build
echo "Restored. Look whether all is there: docker/README.md, \"After a restore\"."
