#!/bin/sh
# Proves the composition where no registry of images can be reached: builds both images, starts everything, crawls a
# newsroom inside it through its DAG, holds the archive against the truth, makes a backup, destroys everything, restores
# it, looks again, crawls again, and stops what it started. 10 to 15 minutes on two cores; `make prove` calls it.
#
# Needs root on Debian or Ubuntu, and their packages (installed when missing: docker.io, docker-compose, runc,
# mmdebstrap, iptables). A dockerd of its own keeps everything below one temporary folder, which goes at the end; the
# machine's own Docker, if there is one, is not touched, nor are its firewall rules. Stand-ins for the base images are
# made of Debian's packages. Builds reach PyPI as this machine does: its certificates go in as a secret of the build,
# and PIP_INDEX_URL if it is set.
#
#     PROVE_KEEP=1       leave everything running, and say how to end it
#     PROVE_BASES=DIR    keep the base images' archives there, for the next time
#     PROVE_DOCKER=unix:///…/docker.sock   use that dockerd, with its build cache, and leave it running: while one works
#                        on these files. Never that of a machine in use: names of images are taken.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
checkout=$(dirname "$here")
python=${PYTHON:-$checkout/.venv/bin/python}
[ "$(id -u)" -eq 0 ] || { echo "docker/prove.sh starts a dockerd: run it as root." >&2; exit 2; }

missing=
for pair in /usr/sbin/dockerd:docker.io /usr/bin/docker-compose:docker-compose /usr/sbin/runc:runc \
    /usr/bin/mmdebstrap:mmdebstrap /usr/sbin/iptables:iptables; do
    [ -x "${pair%%:*}" ] || missing="$missing ${pair##*:}"
done
if [ -n "$missing" ]; then
    echo "Installing$missing"
    # RUNLEVEL=1: a package's script must not start the machine's own Docker.
    # shellcheck disable=SC2086 # several packages
    RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get install --quiet=2 --yes --no-install-recommends $missing >/dev/null
fi

# Debian's programs, whatever else is called docker on this machine.
PATH=/usr/sbin:/usr/bin:/sbin:/bin:$PATH
work=$(mktemp -d "${TMPDIR:-/tmp}/muniment-prove.XXXXXX")
chmod 0711 "$work"
bases=${PROVE_BASES:-$work/bases}
mkdir -p "$bases"
export DOCKER_HOST="${PROVE_DOCKER:-unix://$work/docker.sock}" DOCKER_BUILDKIT=1 DOCKER_CONFIG="$work/client"
export COMPOSE=docker-compose COMPOSE_HTTP_TIMEOUT=300
export MUNIMENT_IMAGE=muniment:prove MUNIMENT_STORE_IMAGE=muniment-store:prove
export POSTGRES_IMAGE=postgres:16 REDIS_IMAGE=redis:7 PROVE_CHECKOUT="$work/mounted"
MUNIMENT_PORT=$("$python" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
export MUNIMENT_PORT
project=$work/installation/docker
dockerd=
began=$(date +%s)

say() {
    printf '\n[%4d s] %s\n' $(($(date +%s) - began)) "$*"
}

compose() {
    docker-compose --project-directory "$project" --file "$project/compose.yaml" --file "$here/prove/compose.yaml" "$@"
}

end() {
    status=$?
    trap - EXIT INT TERM
    if [ $status -ne 0 ] && docker version >/dev/null 2>&1; then
        say "Failed with status $status. What ran, and the last lines of what is not well:"
        docker ps --all --format '{{.Names}}\t{{.Status}}' || true
        for id in $(docker ps --all --quiet); do
            case $(docker inspect --format '{{.State.ExitCode}} {{if .State.Health}}{{.State.Health.Status}}{{end}}' "$id") in
            "0 " | "0 healthy") ;;
            *)
                docker inspect --format '--- {{.Name}} {{if .State.Health}}{{json .State.Health.Log}}{{end}}' "$id" | cut -c-2000
                docker logs --tail 40 "$id" 2>&1 || true
                ;;
            esac
        done
    fi
    if [ -n "${PROVE_KEEP:-}" ]; then
        say "Left running: DOCKER_HOST=$DOCKER_HOST, dockerd is process ${dockerd:-of others}, files below $work"
        exit $status
    fi
    if [ -e "$project/compose.yaml" ]; then
        compose down --volumes --timeout 20 >/dev/null 2>&1 || true
    fi
    if [ -n "$dockerd" ]; then
        # shellcheck disable=SC2046 # several ids
        [ -z "$(docker ps --all --quiet)" ] || docker rm --force --volumes $(docker ps --all --quiet) >/dev/null || true
        kill "$dockerd" 2>/dev/null || true
        wait "$dockerd" 2>/dev/null || true
    fi
    # What a dockerd leaves mounted, deepest first; never follow a mount when deleting.
    awk -v below="$work/" 'index($2, below) == 1 { print $2 }' /proc/mounts | sort -r | while read -r mounted; do
        umount "$mounted" 2>/dev/null || umount --lazy "$mounted" || true
    done
    rm -rf --one-file-system "$work"
    say "Everything that was started has been stopped and removed."
    exit $status
}
trap end EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

fail() {
    echo "prove.sh: $*" >&2
    exit 1
}

# --- a dockerd of our own -----------------------------------------------------------------------------------------

start_dockerd() {
    say "Starting a dockerd below $work"
    echo '{}' >"$work/daemon.json"
    # No bridge, no firewall rules, no forwarding: composed networks reach within themselves, and published ports are
    # served by Docker's own proxy. Nothing of the machine's network is changed but for the bridges that go at the end.
    setsid dockerd --config-file="$work/daemon.json" --data-root="$work/data" --exec-root="$work/exec" \
        --pidfile="$work/dockerd.pid" --host="$DOCKER_HOST" --exec-opt native.cgroupdriver=cgroupfs \
        --bridge=none --iptables=false --ip6tables=false --ip-forward=false --ip-masq=false >"$work/dockerd.log" 2>&1 &
    dockerd=$!
    tries=60
    until docker version >/dev/null 2>&1; do
        tries=$((tries - 1))
        if [ $tries -eq 0 ] || ! kill -0 $dockerd 2>/dev/null; then
            tail -20 "$work/dockerd.log" >&2
            dockerd=
            fail "dockerd does not start"
        fi
        sleep 1
    done
}
[ -n "${PROVE_DOCKER:-}" ] || start_dockerd

# --- stand-ins for the base images --------------------------------------------------------------------------------

say "Making base images of Debian's packages"
make_base() {
    [ -z "${PROVE_DOCKER:-}" ] || ! docker image inspect "$3" >/dev/null 2>&1 || return 0
    [ -s "$bases/$1.tar" ] ||
        { nice mmdebstrap --quiet --variant=minbase --include="$2" bookworm "$bases/$1.new.tar" &&
            mv "$bases/$1.new.tar" "$bases/$1.tar"; }
    docker import "$bases/$1.tar" "$3" >/dev/null
}
make_base python python3,python3-venv,ca-certificates python:3.12-slim-bookworm
make_base postgres postgresql postgres-packages
make_base redis redis-server redis-packages
# As the official images: their users and folders, and for PostgreSQL the start that makes the first database.
mkdir "$work/postgres" "$work/redis"
cat >"$work/postgres/start" <<'END'
#!/bin/sh
set -eu
PATH=$(echo /usr/lib/postgresql/*/bin):$PATH
if [ ! -s "$PGDATA/PG_VERSION" ]; then
    printf '%s\n' "${POSTGRES_PASSWORD:?}" >/tmp/password
    # shellcheck disable=SC2086 # several arguments
    initdb --username="$POSTGRES_USER" --pwfile=/tmp/password --auth-local=trust --auth-host=scram-sha-256 \
        ${POSTGRES_INITDB_ARGS:-} >/dev/null
    rm /tmp/password
    echo 'host all all all scram-sha-256' >>"$PGDATA/pg_hba.conf"
    pg_ctl --wait --options='-c listen_addresses=' start >/dev/null
    psql --username="$POSTGRES_USER" --dbname=postgres --command="CREATE DATABASE \"$POSTGRES_DB\"" >/dev/null
    pg_ctl --wait stop >/dev/null
fi
exec "$@" -c listen_addresses='*'
END
chmod 0755 "$work/postgres/start"
cat >"$work/postgres/Dockerfile" <<'END'
FROM postgres-packages
COPY start /usr/local/bin/start
RUN install -d -o postgres -g postgres -m 0700 /var/lib/postgresql/data && ln -s /usr/lib/postgresql/*/bin/* /usr/local/bin/
ENV PGDATA=/var/lib/postgresql/data
VOLUME /var/lib/postgresql/data
ENTRYPOINT ["start"]
END
cat >"$work/redis/Dockerfile" <<'END'
FROM redis-packages
RUN install -d -o redis -g redis -m 0750 /data
VOLUME /data
END
docker build --quiet --network host --tag postgres:16 "$work/postgres" >/dev/null
docker build --quiet --network host --tag redis:7 "$work/redis" >/dev/null

# --- our images ---------------------------------------------------------------------------------------------------

say "Building the images"
{
    echo "[global]"
    echo "cert = /run/secrets/ca.pem"
    echo "timeout = 180"
    [ -z "${PIP_INDEX_URL:-}" ] || echo "index-url = $PIP_INDEX_URL"
} >"$work/pip.conf"
for target in store muniment; do
    nice docker build --progress=plain --network host --file "$here/Dockerfile" --target $target \
        --secret id=pip.conf,src="$work/pip.conf" --secret id=ca.pem,src=/etc/ssl/certs/ca-certificates.crt \
        --tag "$([ $target = store ] && echo "$MUNIMENT_STORE_IMAGE" || echo "$MUNIMENT_IMAGE")" \
        "$checkout" >"$work/build-$target.log" 2>&1 || { tail -40 "$work/build-$target.log" >&2; fail "the build failed"; }
done
docker images --format '{{.Repository}}:{{.Tag}}  {{.Size}}'
for image in "$MUNIMENT_IMAGE" "$MUNIMENT_STORE_IMAGE"; do
    [ "$(docker run --rm --network none --entrypoint id "$image" -u)" -gt 0 ] || fail "$image runs as root"
done

# --- the composition ----------------------------------------------------------------------------------------------

# An installation of its own: what is made in it must not lie in a checkout.
mkdir -p "$project" "$PROVE_CHECKOUT/docker"
cp "$here"/compose.yaml "$here"/muniment.env "$here"/*.sh "$project/"
cp -r "$checkout/bench" "$PROVE_CHECKOUT/"
cp -r "$here/prove" "$PROVE_CHECKOUT/docker/"
chmod -R a+rX "$PROVE_CHECKOUT"

wait_until_well() {
    tries=450 # a quarter of an hour: minutes more than needed, unless the machine is busy with other things
    while :; do
        ill=$(docker ps --format '{{.Names}} {{.Status}}' | grep -E 'unhealthy|starting' || true)
        [ -n "$ill" ] || break
        tries=$((tries - 1))
        [ $tries -gt 0 ] || fail "not well in time: $ill"
        sleep 2
    done
    for service in postgres redis store api-server scheduler dag-processor triggerer worker-1 worker-2 log-groomer; do
        docker ps --format '{{.Names}}' | grep -q "_${service}_1\$" || fail "$service does not run"
    done
}

say "Without secrets nothing starts"
if compose config --quiet 2>"$work/refused"; then fail "the composition starts without secrets"; fi
sed -n 1p "$work/refused"
"$project/make-secrets.sh"
[ -z "$(find "$project/secrets" "$project/.env" "$project/local.env" -perm /077)" ] || fail "others may read a secret"
before=$(cat "$project"/secrets/* | sha256sum)
"$project/make-secrets.sh" >/dev/null
[ "$before" = "$(cat "$project"/secrets/* | sha256sum)" ] || fail "make-secrets.sh changed secrets that were there"
cp "$here/prove/newsroom.toml" "$project/sites/"
chmod a+r "$project/sites/newsroom.toml"

say "Starting it"
compose up --detach --no-build
wait_until_well
docker ps --format '{{.Names}}\t{{.Status}}\t{{.Ports}}'

say "Who may come in"
[ "$(docker ps --format '{{.Ports}}' | grep -c -e '->')" = 1 ] || fail "more than one port is published"
docker ps --format '{{.Ports}}' | grep -q "^127.0.0.1:$MUNIMENT_PORT->8080/tcp\$" || fail "it is not that of the pages"
compose exec -T worker-1 python -c "
import os, urllib.error, urllib.request
import psycopg2, redis
for deed in ('GET', 'PUT'):
    try:
        urllib.request.urlopen(urllib.request.Request('http://store:8333/muniment/x', method=deed), timeout=10)
        raise SystemExit('the store lets anybody in')
    except urllib.error.HTTPError as error:
        assert error.code == 403, error.code
for port in (9333, 8080, 8888, 19333, 18080, 18888):
    try:
        urllib.request.urlopen(f'http://store:{port}/', timeout=3)
        raise SystemExit(f'port {port} of the store is open')
    except urllib.error.URLError as error:
        assert isinstance(error.reason, ConnectionRefusedError), (port, error.reason)
for password in (None, 'airflow', 'postgres', 'redis'):
    try:
        redis.Redis('redis', password=password).ping()
        raise SystemExit('the queue lets anybody in')
    except redis.AuthenticationError:
        pass
    try:
        psycopg2.connect(host='postgres', user='airflow', dbname='airflow', password=password or '', connect_timeout=5)
        raise SystemExit('the database lets anybody in')
    except psycopg2.OperationalError:
        pass
try:
    open('/opt/muniment/x', 'w')
    raise SystemExit('the file system can be written')
except OSError:
    pass
assert os.getuid() > 0
print('store, queue and database refuse whoever has no key')
"

say "Running a site's DAG"
"$python" "$here/prove/ask_airflow.py" run "http://127.0.0.1:$MUNIMENT_PORT" "$project/secrets/login.env"
looked=$(compose exec -T worker-1 python - <"$here/prove/check_archive.py") || fail "the archive is not as published: $looked"
echo "$looked"
compose exec -T worker-1 muniment audit --all

say "A warm shutdown"
stopping=$(date +%s)
compose stop worker-1 worker-2 >/dev/null 2>&1
echo "both workers ended after $(($(date +%s) - stopping)) s with status $(docker inspect --format '{{.State.ExitCode}}' \
    "$(docker ps --all --quiet --filter name=worker-1)" "$(docker ps --all --quiet --filter name=worker-2)" | tr '\n' ' ')"
compose start worker-1 worker-2 >/dev/null 2>&1

# --- backup, loss, restore ----------------------------------------------------------------------------------------

say "Backup"
# backup.sh and restore.sh know compose.yaml only, as everybody's do; the newsroom stays as it is.
"$project/backup.sh" "$work/backup" 2>"$work/backup.log" || { tail -20 "$work/backup.log" >&2; fail "the backup failed"; }
wait_until_well

say "Losing everything"
compose down --volumes >/dev/null 2>&1
rm -rf "$project"
left=$(docker volume ls --quiet --filter label=com.docker.compose.project=muniment)
[ -z "$left" ] || fail "a volume is left: $left"
mkdir -p "$project"
cp "$here"/compose.yaml "$here"/muniment.env "$here"/*.sh "$project/"

say "Restore"
cp -r "$work/backup" "$work/damaged"
printf x >>"$work/damaged/airflow.dump"
if "$project/restore.sh" "$work/damaged" >/dev/null 2>&1; then fail "a damaged backup was restored"; fi
[ ! -e "$project/secrets" ] || fail "a damaged backup was unpacked"
"$project/restore.sh" "$work/backup" 2>"$work/restore.log" || { tail -20 "$work/restore.log" >&2; fail "the restore failed"; }
if "$project/restore.sh" "$work/backup" >/dev/null 2>&1; then fail "a second restore wrote over the first"; fi
compose up --detach --no-build >/dev/null 2>&1
wait_until_well
again=$(compose exec -T worker-1 python - <"$here/prove/check_archive.py") || fail "the restored archive is not as published"
echo "$again"
[ "$again" = "$looked" ] || fail "readers see something else than before"
compose exec -T worker-1 muniment audit --all
"$python" "$here/prove/ask_airflow.py" history "http://127.0.0.1:$MUNIMENT_PORT" "$project/secrets/login.env"

say "Running the DAG once more"
"$python" "$here/prove/ask_airflow.py" run "http://127.0.0.1:$MUNIMENT_PORT" "$project/secrets/login.env"
again=$(compose exec -T worker-1 python - <"$here/prove/check_archive.py") || fail "the archive is not as published"
[ "$again" = "$looked" ] || fail "a run of a site that did not change made versions: $again"
say "Proved."
