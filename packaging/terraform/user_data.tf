locals {
  # The eleventh address of the vSwitch. The user data of the nodes names it before the host exists.
  etcd_address = cidrhost(var.vswitch_cidr, 11)

  # ../cloud-init, with the values of this module instead of the examples in its files.
  user_data = {
    for role in ["etcd", "node"] : role => replace(
      replace(
        replace(file("${path.module}/../cloud-init/${role}.yaml"), "192.168.1.11", local.etcd_address),
        "10.24.0.0/16", var.pod_cidr
      ),
      "https://packages.example.com/flanneld", var.repository
    )
  }
}
