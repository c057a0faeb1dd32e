#!/bin/sh
# Starts a program of Airflow or Muniment. In front of it: the file in which Airflow's simple auth manager looks for
# passwords is written from AIRFLOW_PASSWORDS (JSON, user -> password), which only the API server is given. It wants a
# file that it may open for writing, and no image and no volume should hold one.
set -eu

if [ -n "${AIRFLOW_PASSWORDS:-}" ]; then
    file=${AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE:?names the file for AIRFLOW_PASSWORDS}
    (umask 077 && printf '%s\n' "$AIRFLOW_PASSWORDS" >"$file")
    unset AIRFLOW_PASSWORDS
fi
exec "$@"
