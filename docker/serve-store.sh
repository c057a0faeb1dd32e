#!/bin/sh
# SeaweedFS as one S3 server, for compose.yaml: what pipeline/seaweed.py starts on one machine, in a container.
#
# Only the S3 port is open to other containers; SeaweedFS's own master, volume and filer servers, whose gRPC ports
# know no password, listen on loopback. Needs AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (the owner's key) and the
# four WEED_JWT_* signing keys: without these the servers behind S3 would take anonymous uploads.
set -eu

: "${AWS_ACCESS_KEY_ID:?}" "${AWS_SECRET_ACCESS_KEY:?}"
: "${WEED_JWT_SIGNING_KEY:?}" "${WEED_JWT_SIGNING_READ_KEY:?}"
: "${WEED_JWT_FILER_SIGNING_KEY:?}" "${WEED_JWT_FILER_SIGNING_READ_KEY:?}"

# -s3.autoCreateBucket=false: a misspelt bucket must be an error. -s3.iam.readOnly=false: so that the owner's key can
# give others less. -volume.max=0: as many volumes as the disk holds.
weed server -dir=/data -ip=127.0.0.1 -ip.bind=127.0.0.1 -filer \
    -s3 -s3.ip.bind=0.0.0.0 -s3.port=8333 -s3.port.iceberg=0 -s3.port.lance=0 \
    -s3.iam.readOnly=false -s3.autoCreateBucket=false \
    -master.telemetry=false -master.volumeSizeLimitMB=1024 -volume.max=0 -volume.preStopSeconds=0 &
weed=$!
trap 'kill -TERM $weed 2>/dev/null' TERM INT

# Each object is synced to the disk before it is acknowledged. Kept in the data; asked for at every start all the
# same. The health check waits for the mark.
rm -f /tmp/synced
(
    until printf 'fs.configure -locationPrefix=/buckets/ -fsync -apply\n' |
        timeout 30 weed shell -master=127.0.0.1:9333 -filer=127.0.0.1:8888 2>&1 | grep -q '"fsync": *true'; do
        kill -0 $weed 2>/dev/null || exit 1
        sleep 1
    done
    : >/tmp/synced
) &

# A trapped signal ends `wait` early: wait until it has really ended.
status=0
wait $weed || status=$?
while kill -0 $weed 2>/dev/null; do
    wait $weed || status=$?
done
exit $status
