variable "name" {
  description = "Begins the name of everything that is made."
  type        = string
  default     = "flannel"
}

variable "zone_id" {
  description = "Where the vSwitch and the instances are, as cn-hangzhou-h."
  type        = string
}

variable "vpc_cidr" {
  description = "The VPC's range: 192.168.0.0/16, 172.16.0.0/12, 10.0.0.0/8, or a part of one."
  type        = string
  default     = "192.168.0.0/16"
}

variable "vswitch_cidr" {
  description = "The vSwitch's range, inside the VPC's. The etcd host has its eleventh address."
  type        = string
  default     = "192.168.1.0/24"
}

variable "pod_cidr" {
  description = "flannel's Network, which the nodes' subnets come from: outside the VPC's range. Each node takes a route table entry."
  type        = string
  default     = "10.24.0.0/16"
}

variable "nodes" {
  description = "How many nodes there are beside the etcd host, which is a node too. A route table takes 200 entries by default."
  type        = number
  default     = 2

  validation {
    condition     = var.nodes >= 0 && var.nodes <= 199 && floor(var.nodes) == var.nodes
    error_message = "nodes must be a whole number from 0 to 199: with the etcd host that is one route table's default quota of 200 entries."
  }
}

variable "instance_type" {
  description = "What the instances are."
  type        = string
  default     = "ecs.g7.large"
}

variable "image_id" {
  description = "Debian, Ubuntu, Alibaba Cloud Linux, RHEL or kin, with cloud-init. Null: the newest Debian 12 of Alibaba Cloud."
  type        = string
  default     = null
}

variable "key_name" {
  description = "A key pair of yours for the log-in, or null. No port is opened for it."
  type        = string
  default     = null
}

variable "repository" {
  description = "Where the folder that ./build.sh repo made is served, without a slash at its end, as the instances reach it."
  type        = string

  validation {
    condition     = can(regex("^https://[A-Za-z0-9.:/_-]*[A-Za-z0-9_-]$", var.repository))
    error_message = "repository must be an https URL without a slash at its end: the key that checks the packages comes by it."
  }
}
