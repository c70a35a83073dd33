# emorec on the CPU, without the network at run time; docs/container.md says how to build and run it.
#
#     docker build -t emorec .                       # the command line
#     docker build -t emorec-app --target app .      # the app
ARG PYTHON_VERSION=3.13

FROM python:${PYTHON_VERSION}-slim AS build
# Packages for the app, HEIC images, H.264 videos and plots; no training, no GPU.
ARG EXTRAS=app,heic,plots,video
WORKDIR /src
COPY pyproject.toml README.md LICENSE ./
COPY cascades cascades
COPY configs configs
COPY emorec emorec
COPY scripts/teachers/teacher_probabilities.csv.gz scripts/teachers/
# opencv-python needs libraries of a desktop; the headless build has the same modules and no windows.
RUN python -m venv /opt/emorec \
    && /opt/emorec/bin/pip install --no-cache-dir ".[${EXTRAS}]" \
    && /opt/emorec/bin/pip uninstall --yes opencv-python \
    && /opt/emorec/bin/pip install --no-cache-dir "opencv-python-headless>=4.12,<5" \
    && /opt/emorec/bin/emorec --version

FROM python:${PYTHON_VERSION}-slim AS base
ARG VERSION=unknown
LABEL org.opencontainers.image.title="emorec" \
      org.opencontainers.image.description="Facial emotion recognition on photos and video, CPU only" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.licenses="MIT"
RUN useradd --uid 1000 --create-home emorec \
    && install --directory --owner emorec --group emorec /photos
COPY --from=build /opt/emorec /opt/emorec
# The cache is in /tmp, so that the container also works as any other user.
ENV PATH=/opt/emorec/bin:$PATH \
    EMOREC_CACHE=/tmp/emorec \
    MPLCONFIGDIR=/tmp/matplotlib \
    PYTHONUNBUFFERED=1
USER 1000
WORKDIR /photos
VOLUME /photos
ENTRYPOINT ["emorec"]

FROM base AS app
EXPOSE 8765
# Any answer is a sign of life: without the token, which the check does not know, it is 401.
HEALTHCHECK --interval=30s --timeout=10s --start-period=30s CMD ["python", "-c", \
    "import http.client as h; c = h.HTTPConnection('127.0.0.1', 8765, timeout=5); c.request('GET', '/api/v1/health'); c.getresponse()"]
CMD ["app", "--host", "0.0.0.0", "--port", "8765", "--no-browser"]

FROM base AS cli
CMD ["--help"]
