# To be sourced by the scripts beside it: builds what they measure, as it is packaged.

# Builds one program of the workspace with the profile of the packages and prints its path.
built() {
  local package=payout-notify
  if [ "$1" != payout-notify ]; then package=payout-notify-bench-peers; fi
  cargo build --locked --quiet --profile dist --package "$package" --bin "$1" --message-format=json |
    sed -n "s/.*\"executable\":\"\([^\"]*\/$1\)\".*/\1/p" | tail -1
}
