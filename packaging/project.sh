# shellcheck shell=bash disable=SC2034 # used by the scripts that source this file
# Who publishes the packages. These values are placeholders: set them before you publish packages of your own.
# Sourced by deb/build.sh, rpm/build.sh, packaging/changelog.sh, packaging/container/build.sh and packaging/repository/build.sh.
# Not here: the version (Directory.Build.props), the license (LICENSE), and the example hosts that each operator replaces,
# which are marked CHANGE in packaging/cloud-init and are parameters of packaging/terraform and packaging/ros.

# The vendor label of the container image and the origin of the apt repository.
PROJECT_NAME=Flannel.Aot

# Maintainer of the deb, and author of the entries in the packages' changelogs.
PROJECT_MAINTAINER='Flannel.Aot maintainers <maintainers@example.com>'

# Home page: Homepage of the deb, URL of the rpm.
PROJECT_URL=https://flannel-aot.example.com

# Base address of the apt and yum repositories, unless the variable REPOSITORY_URL names another one.
PROJECT_REPOSITORY_URL=https://packages.example.com
