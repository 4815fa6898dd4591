# The service `hexclave-bridge serve`. Build: docker build --tag hexclave-bridge .
#
# The settings are variables: docker run --publish 8787:8787 --env HEXCLAVE_PROJECT_ID=… hexclave-bridge
FROM rust:1-bookworm AS build
WORKDIR /source
COPY . .
# Without the feature `docker`, which is there for `hexclave-bridge demo`.
RUN cargo build --locked --release --package hexclave-bridge --no-default-features \
 && strip target/release/hexclave-bridge

# The C library and nobody's home, no shell. The certificates are for the Hexclave API and the database.
FROM gcr.io/distroless/cc-debian12:nonroot
COPY --from=build /source/target/release/hexclave-bridge /usr/local/bin/hexclave-bridge
ENV HEXCLAVE_BRIDGE_LISTEN=0.0.0.0:8787
EXPOSE 8787
ENTRYPOINT ["/usr/local/bin/hexclave-bridge"]
CMD ["serve"]
