# syntax=docker/dockerfile:1
# docker build -t mpvm . && docker run --rm -it mpvm
# No capability and no privilege is needed: the demo runs as an ordinary user.

FROM node:20-bookworm AS build
RUN apt-get update && apt-get install -y --no-install-recommends \
        gcc g++ make libc6-dev pkg-config python3 protobuf-compiler nanopb libnanopb-dev libxxhash-dev \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /opt/mpvm
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY . .
RUN npm run setup && npm prune --omit=dev && rm -rf build/obj build/test

FROM node:20-bookworm-slim
# To build programs in the container; mpvm itself needs none of it any more.
RUN apt-get update && apt-get install -y --no-install-recommends gcc libc6-dev make pkg-config procps \
    && rm -rf /var/lib/apt/lists/*
COPY --from=build /opt/mpvm /opt/mpvm
ENV PATH=/opt/mpvm/bin:$PATH \
    MPVM_PREBUILT=1
RUN useradd --create-home mpvm
USER mpvm
WORKDIR /opt/mpvm
# The demo. For a VM of your own: docker run -it mpvm bash, then mpvm up.
CMD ["npm", "start"]
