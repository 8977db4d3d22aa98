# The cluster of "Set up a cluster" in the README. Only its syntax, and its agreement with ../cloud-init and ../ram, are tested: it was
# NOT run against the live cloud yet.

data "alicloud_images" "debian" {
  name_regex   = "^debian_12_"
  owners       = "system"
  architecture = "x86_64"
  most_recent  = true
}

resource "alicloud_vpc" "this" {
  vpc_name   = var.name
  cidr_block = var.vpc_cidr
}

resource "alicloud_vswitch" "this" {
  vswitch_name = var.name
  vpc_id       = alicloud_vpc.this.id
  zone_id      = var.zone_id
  cidr_block   = var.vswitch_cidr
}

# Instances of one group reach each other. The addresses of their containers need a rule.
resource "alicloud_security_group" "this" {
  security_group_name = var.name
  vpc_id              = alicloud_vpc.this.id
  inner_access_policy = "Accept"
}

resource "alicloud_security_group_rule" "pods" {
  security_group_id = alicloud_security_group.this.id
  type              = "ingress"
  ip_protocol       = "all"
  port_range        = "-1/-1"
  nic_type          = "intranet"
  policy            = "accept"
  cidr_ip           = var.pod_cidr
  description       = "flannel: containers of the nodes"
}

# Role of the nodes that may be elected as route controller: two or three nodes are enough, all may.
resource "alicloud_ram_role" "controller" {
  role_name                   = "${var.name}-controller"
  description                 = "route controller of flanneld"
  assume_role_policy_document = file("${path.module}/../ram/trust-policy.json")
}

resource "alicloud_ram_policy" "controller" {
  policy_name     = "${var.name}-controller"
  description     = "route controller of flanneld"
  policy_document = file("${path.module}/../ram/controller-policy.json")
}

resource "alicloud_ram_role_policy_attachment" "controller" {
  role_name   = alicloud_ram_role.controller.role_name
  policy_name = alicloud_ram_policy.controller.policy_name
  policy_type = "Custom"
}

# The first instance in the new vSwitch: its address is free, because all other instances of the module depend on it and get other
# addresses. Not alicloud_vpc_vswitch_cidr_reservation: addresses of a reserved block are assigned as prefixes only, in some regions.
resource "alicloud_instance" "etcd" {
  instance_name     = "${var.name}-etcd"
  instance_type     = var.instance_type
  image_id          = coalesce(var.image_id, data.alicloud_images.debian.images[0].id)
  vswitch_id        = alicloud_vswitch.this.id
  private_ip        = local.etcd_address
  security_groups   = [alicloud_security_group.this.id]
  key_name          = var.key_name
  source_dest_check = false
  user_data         = base64encode(local.user_data["etcd"])

  system_disk_category = "cloud_essd"

  # A new image would replace the system disk, and with it the data of etcd. Changed user data would restart the instance without effect.
  lifecycle {
    ignore_changes = [image_id, user_data]
  }
}

resource "alicloud_instance" "node" {
  count = var.nodes

  instance_name   = "${var.name}-node-${count.index + 1}"
  instance_type   = var.instance_type
  image_id        = coalesce(var.image_id, data.alicloud_images.debian.images[0].id)
  vswitch_id      = alicloud_vswitch.this.id
  security_groups = [alicloud_security_group.this.id]
  key_name        = var.key_name
  # Otherwise the route controller disables it, some time after the boot.
  source_dest_check = false
  user_data         = base64encode(local.user_data["node"])

  system_disk_category = "cloud_essd"

  depends_on = [alicloud_instance.etcd]

  # Use terraform apply -replace=ADDRESS for a node with a new image or new user data.
  lifecycle {
    ignore_changes = [image_id, user_data]
  }
}

# flanneld waits for the credentials of the role, which may be attached after the instance exists.
resource "alicloud_ecs_ram_role_attachment" "this" {
  for_each = merge(
    { etcd = alicloud_instance.etcd.id },
    { for index, node in alicloud_instance.node : "node-${index + 1}" => node.id },
  )

  instance_id   = each.value
  ram_role_name = alicloud_ram_role.controller.role_name

  depends_on = [alicloud_ram_role_policy_attachment.controller]
}
